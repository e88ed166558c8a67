"""Orders in the back office: a list, and a page for each with what may be done to it now."""

from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from orders import labels, lifecycle
from orders.admin_filters import (
    CustomerFilter,
    PaymentFilter,
    PlacedFilter,
    StatusFilter,
    TotalFilter,
    orders_found,
    orders_with_members,
)
from orders.admin_import import import_page, progress_of
from orders.admin_order import OrderPageAdmin
from orders.bulk_views import view_permission_of_members
from orders.errors import OrderError
from orders.exporting import csv_of
from orders.lifecycle import PaymentStatus, Status
from orders.models import Order
from orders.permissions import IMPORT, staff_may
from orders.selectors import everybodys_orders
from orders.services import move_order
from orders.shown import chip, shown_amount


@admin.register(Order)
class OrderAdmin(OrderPageAdmin):
    list_display = (
        "order_number",
        "status_chip",
        "payment_chip",
        "buyer",
        "product_name",
        "amount",
        "placed",
    )
    list_filter = (CustomerFilter, StatusFilter, PaymentFilter, PlacedFilter, TotalFilter)
    search_fields = ("order_number",)  # shows the field; `get_search_results` says what is searched
    search_help_text = gettext_lazy("Number, product, or the member's email or name")
    actions = ("prepare_selected", "ship_selected", "deliver_selected")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name="orders_order_import"),
            path("import/progress/", wrap(self.import_progress_view), name="orders_order_import_progress"),
            path("export/", wrap(self.export_view), name="orders_order_export"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return orders_with_members(everybodys_orders())

    # --- the list ------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        export = f"{reverse('admin:orders_order_export')}?{request.GET.urlencode()}"
        context = {"title": _("Orders"), "export_url": export}
        if staff_may(request.user, IMPORT):
            context["import_url"] = reverse("admin:orders_order_import")
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> list[str]:
        shown = super().get_list_display(request)
        return [name for name in shown if name != "buyer" or sees_members(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        text = search_term.strip()
        return (
            orders_found(request, queryset, text, by_member=sees_members(request)) if text else queryset
        ), False

    @admin.display(description=gettext_lazy("status"))
    def status_chip(self, order: Order) -> str:
        return chip(order.status, labels.STATUS[Status(order.status)])

    @admin.display(description=gettext_lazy("payment"))
    def payment_chip(self, order: Order) -> str:
        return chip(order.payment_status, labels.PAYMENT[PaymentStatus(order.payment_status)])

    @admin.display(description=gettext_lazy("member"))
    def buyer(self, order: Order) -> str:
        return order.customer.name

    @admin.display(description=gettext_lazy("amount"))
    def amount(self, order: Order) -> str:
        return shown_amount(order.total, order.currency)

    @admin.display(description=gettext_lazy("placed"))
    def placed(self, order: Order) -> Any:
        return order.placed_at

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """What the list shows, over all its pages, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        orders = self.get_changelist_instance(request).queryset
        lines = csv_of(orders, emails=sees_members(request), bom=True)
        first = next(lines)
        answer = StreamingHttpResponse(chain([first], lines), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="orders.csv"'
        return answer

    def import_view(self, request: HttpRequest) -> HttpResponse:
        return import_page(request, {**self.admin_site.each_context(request), "media": self.media})

    def import_progress_view(self, request: HttpRequest) -> HttpResponse:
        if not staff_may(request.user, IMPORT):
            raise PermissionDenied
        return progress_of(request)

    # --- several at once -------------------------------------------------------------------

    @admin.action(description=gettext_lazy("Prepare the selected orders"), permissions=["change"])
    def prepare_selected(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        self._move_all(request, orders, lifecycle.Action.PREPARE)

    @admin.action(description=gettext_lazy("Ship the selected orders"), permissions=["change"])
    def ship_selected(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        self._move_all(request, orders, lifecycle.Action.SHIP)

    @admin.action(description=gettext_lazy("Mark the selected orders as delivered"), permissions=["change"])
    def deliver_selected(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        self._move_all(request, orders, lifecycle.Action.DELIVER)

    def _move_all(self, request: HttpRequest, orders: Iterable[Order], action: lifecycle.Action) -> None:
        """Each by itself: what one order refuses, the others need not."""
        done = 0
        for order in orders:
            try:
                self._logged(request, action, partial(move_order, order=order, action=action), order)
                done += 1
            except OrderError as error:
                messages.error(request, f"{order}: {error}")
        if done:
            sentence = ngettext("%(count)d order was changed.", "%(count)d orders were changed.", done)
            messages.success(request, sentence % {"count": done})


def sees_members(request: HttpRequest) -> bool:
    return staff_may(request.user, view_permission_of_members())
