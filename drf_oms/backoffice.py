"""The back office: Django's admin site, styled by django-unfold where that is installed."""

from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin_forms import StaffLoginForm, StaffPasswordForm
from accounts.errors import ResetLinkDead
from accounts.permissions import VIEW as VIEW_MEMBERS
from drf_oms import home
from orders.permissions import VIEW, staff_may
from routers.page.views import VIEW as VIEW_REPLICATION

Site: Any = AdminSite
if apps.is_installed("unfold"):
    from unfold.sites import UnfoldAdminSite

    Site = UnfoldAdminSite


class PasswordView(PasswordChangeView):
    form_class = StaffPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except ResetLinkDead:
            form.add_error("old_password", form.wrong_password())
            return self.form_invalid(form)


class BackOffice(Site):
    """Where staff answer what a member has ordered, and where it is."""

    site_title = site_header = _("DRF-OMS back office")
    index_title = _("Today")
    index_template = "drf_oms/home.html"
    site_url = None

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.login_form = StaffLoginForm

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "site_title": self.site_title,
            "site_header": self.site_header,
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        figures = home.figures() if staff_may(request.user, VIEW) else {}
        return super().index(request, {**figures, "links": links(request), **(extra_context or {})})

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        view = PasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        answer: Any = view(request)
        return answer


def links(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages that the caller may open."""
    known = [
        (VIEW, _("Orders"), "admin:orders_order_changelist", "receipt_long"),
        (VIEW_MEMBERS, _("Members"), "admin:accounts_member_changelist", "group"),
        (VIEW_REPLICATION, _("Replication"), "replication", "database"),
    ]
    return [
        {"title": title, "url": reverse(name), "icon": icon}
        for permission, title, name, icon in known
        if staff_may(request.user, permission)
    ]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The same as unfold's side bar wants it (`UNFOLD`)."""
    home_page = {"title": _("Today"), "link": reverse("admin:index"), "icon": "today"}
    items = [{"title": link["title"], "link": link["url"], "icon": link["icon"]} for link in links(request)]
    return [{"items": [home_page, *items]}]
