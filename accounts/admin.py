"""Members in the back office: found by email, name or phone; a page for each with their orders."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from knox.models import AuthToken

from accounts import selectors, services
from accounts.models import Member, Session
from accounts.permissions import CHANGE
from accounts.validators import normalize_phone
from orders import labels
from orders.admin_base import CURSOR, BackOfficeAdmin, Page
from orders.buckets import buckets
from orders.charts import bars
from orders.keyset import BadCursor
from orders.lifecycle import Status
from orders.moments import start_of
from orders.permissions import VIEW, staff_may
from orders.selectors import orders_of
from orders.shown import shown_amount, shown_order
from orders.stats import counts_in
from orders.transactions import retried

MONTHS = 12
HISTORY_PAGE = 20
MOST_FOUND = 200  # members that a search shows


for elsewhere in (AuthToken, Group):  # knox and Django show them: tokens and groups, to be edited by hand
    admin.site.unregister(elsewhere)


@admin.register(Member)
class MemberAdmin(BackOfficeAdmin):
    list_display = ("email", "name", "nickname", "phone", "joined", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active")
    ordering = ("-id",)
    search_fields = ("email",)  # shows the field; `get_search_results` says what is searched
    search_help_text = gettext_lazy("Beginning of the email, name or phone number")
    actions = None

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:member_id>/sessions/revoke/",
                wrap(self.revoke_all_view),
                name="accounts_member_revoke_all",
            ),
            path(
                "<int:member_id>/sessions/<int:session_id>/revoke/",
                wrap(self.revoke_view),
                name="accounts_member_revoke",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Members"), **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Member], search_term: str
    ) -> tuple[QuerySet[Member], bool]:
        return (members_found(queryset, search_term) if search_term.strip() else queryset), False

    @admin.display(description=gettext_lazy("joined"))
    def joined(self, member: Member) -> Any:
        return member.date_joined

    # --- one member ----------------------------------------------------------------------

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        member = self._member(request, object_id)
        return require_GET(lambda request: self._page(request, member))(request)

    def revoke_all_view(self, request: HttpRequest, member_id: int) -> HttpResponse:
        return require_POST(lambda request: self._revoke(request, member_id, None))(request)

    def revoke_view(self, request: HttpRequest, member_id: int, session_id: int) -> HttpResponse:
        return require_POST(lambda request: self._revoke(request, member_id, session_id))(request)

    def _revoke(self, request: HttpRequest, member_id: int, session_id: int | None) -> HttpResponse:
        """One session of the member, or all; one that has ended already is left at that."""
        member = self._member(request, str(member_id))
        if not staff_may(request.user, CHANGE):
            raise PermissionDenied

        @retried
        def revoke() -> None:
            if session_id is None:
                services.log_out_everywhere(member)
            elif session := Session.objects.filter(pk=session_id, auth_token__user=member).first():
                services.log_out(session.auth_token)
            self.log_change(
                request, member, "revoke all sessions" if session_id is None else "revoke a session"
            )

        revoke()
        messages.success(
            request, _("All sessions have ended.") if session_id is None else _("The session has ended.")
        )
        return HttpResponseRedirect(reverse("admin:accounts_member_change", args=[member.pk]))

    def _member(self, request: HttpRequest, member_id: str) -> Member:
        """With their orders' sums. Raises `Http404`, `PermissionDenied`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        member = selectors.members().filter(pk=member_id).first() if member_id.isdigit() else None
        if member is None:
            raise Http404
        return member

    def _page(self, request: HttpRequest, member: Member) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": member.name,
            "media": self.media,
            "member": member,
            "sessions": selectors.attach_last_used(list(selectors.live_sessions_of(member))),
            "may_revoke": staff_may(request.user, CHANGE),
        }
        if staff_may(request.user, VIEW):
            context |= self._orders_of(request, member)
        return TemplateResponse(request, "accounts/admin/member.html", context)

    def _orders_of(self, request: HttpRequest, member: Member) -> dict[str, Any]:
        selectors.attach_orders([member])
        status = request.GET.get("status", "")
        orders = orders_of(member.pk)
        if status in set(Status):
            orders = orders.filter(status=status)
        try:
            page = Page(orders, request.GET.get(CURSOR), HISTORY_PAGE)
        except BadCursor as error:
            messages.error(request, str(error))
            page = Page(orders, None, HISTORY_PAGE)
        return {
            "paid": [shown_amount(Decimal(sum_), code) for code, sum_ in member.order_total.items()],
            "history": [shown_order(order) for order in page.rows],
            "newer": page.newer,
            "older": page.older,
            "status": status,
            "statuses": [(word.value, label) for word, label in labels.STATUS.items()],
            "months": orders_per_month(member),
        }


def members_found(members: QuerySet[Member], text: str) -> QuerySet[Member]:
    """Those whose email, name or phone number begins so: each asked of its own index."""
    text = text.strip()
    phone = normalize_phone(text)
    asked = [{"email__startswith": text.lower()}, {"name__startswith": text}]
    if phone.isascii() and phone.isdigit():
        asked.append({"phone__startswith": phone})
    found: set[int] = set()
    for named in asked:
        found.update(Member.objects.filter(**named).order_by().values_list("pk", flat=True)[:MOST_FOUND])
    return members.filter(pk__in=found)


def orders_per_month(member: Member) -> list[dict[str, Any]]:
    """The bars of a chart: of this month and of those before it."""
    now = timezone.now()
    first = timezone.localdate(now).replace(day=1)
    for _month in range(MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    months = buckets(start_of(first), now, "month")
    return bars(
        [
            (f"{month.day:%Y-%m}", count)
            for month, count in zip(months, counts_in(orders_of(member.pk), months, now), strict=True)
        ]
    )
