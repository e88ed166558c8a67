"""One order in the back office: what it is, what happened to it, and what may be done to it now."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orders import labels, lifecycle
from orders.actors import actor_on
from orders.admin_base import BackOfficeAdmin
from orders.admin_forms import MOVES, TASKS, ChangeTask, MoveTask, NoteTask, RefundTask, Task
from orders.bulk_views import view_permission_of_members
from orders.errors import OrderChanged, OrderError, TransitionRefused
from orders.lifecycle import PaymentStatus, Role, Status
from orders.models import Order, OrderEvent
from orders.permissions import staff_may
from orders.selectors import by_reference
from orders.shown import chip, shown_event
from orders.transactions import retried


class OrderPageAdmin(BackOfficeAdmin):
    """The page, and the forms on it, each sent to an address of its own."""

    def get_urls(self) -> list[Any]:
        do = self.admin_site.admin_view(self.task_view)
        return [path("<str:object_id>/<str:task>/do/", do, name="orders_order_task"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        order = self._order(request, object_id)
        return require_GET(lambda request: self._page(request, order))(request)

    def task_view(self, request: HttpRequest, object_id: str, task: str) -> HttpResponse:
        return require_POST(lambda request: self._do(request, object_id, task))(request)

    def _do(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        order = self._order(request, object_id)
        if name not in TASKS:
            raise Http404
        form = TASKS[name](order, request.POST)
        if not staff_may(request.user, form.permission):
            raise PermissionDenied
        if not form.is_valid():
            return self._page(request, order, filled_in=form, status=400)
        try:
            order = self._logged(request, name, form.perform, order, form.permission)
        except OrderChanged:
            if not self._is_repeated(request, form):  # a double click has done it already
                order = self._order(request, object_id)
                return self._page(request, order, refusal=why_not(order, form), status=409)
        except OrderError as error:
            return self._page(request, self._order(request, object_id), refusal=error, status=409)
        else:
            messages.success(request, _("Done: %(task)s.") % {"task": form.title})
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))

    def _logged(
        self, request: HttpRequest, name: str, perform: Any, order: Order, permission: str | None = None
    ) -> Order:
        """What the service has done is in the admin's log too: both, or neither."""
        actor = actor_on(order, request, permission) if permission else actor_on(order, request)

        @retried
        def write() -> Order:
            changed: Order = perform(actor=actor)
            self.log_change(request, changed, name)
            return changed

        return write()

    def _is_repeated(self, request: HttpRequest, form: Task) -> bool:
        """Whether the next thing that happened to the order was this very one, by the same person."""
        following = {"order": form.order, "seq": form.cleaned_data["version"] + 1}
        return OrderEvent.objects.filter(**following, type=form.event, actor=request.user.pk).exists()

    def _order(self, request: HttpRequest, reference: str) -> Order:
        """By id or number. Raises `Http404`, `PermissionDenied`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = Order.objects.select_related("customer").filter(**by_reference(reference)).first()
        if order is None:
            raise Http404
        return order

    def _page(
        self,
        request: HttpRequest,
        order: Order,
        *,
        filled_in: Task | None = None,
        refusal: Any = None,
        status: int = 200,
    ) -> TemplateResponse:
        tasks = [task(order) for task in possible(order) if staff_may(request.user, task.permission)]
        if filled_in is not None:
            tasks = [filled_in if task.event == filled_in.event else task for task in tasks]
        context = {
            **self.admin_site.each_context(request),
            "title": order.order_number,
            "media": self.media,
            "order": order,
            "status": chip(order.status, labels.STATUS[Status(order.status)]),
            "payment": chip(order.payment_status, labels.PAYMENT[PaymentStatus(order.payment_status)]),
            "sees_members": staff_may(request.user, view_permission_of_members()),
            "lines": order.lines.all(),
            "refunds": order.refunds.select_related("actor"),
            "events": [shown_event(event) for event in order.events.select_related("actor")],
            "tasks": tasks,
            "opened": filled_in.event if filled_in else None,
            "refusal": refusal,
        }
        return TemplateResponse(request, "orders/admin/order.html", context, status=status)


def why_not(order: Order, form: Task) -> Any:
    """What to say when the order is not any more as it was shown."""
    allowed = lifecycle.allowed(order.status, Role.STAFF)
    if isinstance(form, MoveTask) and form.action not in allowed:
        return TransitionRefused(status=order.status, action=form.action, allowed=allowed)
    return _("This order has changed since you opened the page. Look at it again, and then decide.")


def possible(order: Order) -> list[type[Task]]:
    """What may be done to the order now."""
    tasks: list[type[Task]] = [MOVES[action] for action in lifecycle.allowed(order.status, Role.STAFF)]
    if order.payment_status != PaymentStatus.UNPAID and order.refunded_total < order.total:
        tasks.append(RefundTask)
    if lifecycle.CHANGEABLE[Status(order.status)]:
        tasks.append(ChangeTask)
    return [*tasks, NoteTask]
