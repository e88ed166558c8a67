"""The page about replication, for staff with a permission: how it is, and a button to drain a replica."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from routers import drained
from routers.conf import conf
from routers.page.drawing import drawing_of
from routers.page.picture import picture
from routers.store import StoreLost

VIEW, DRAIN = "routers.view_replication", "routers.drain_replica"
CHANGES: dict[str, Callable[[str], None]] = {"drain": drained.drain, "enable": drained.enable}


def for_staff_with(permission: str) -> Callable[..., Any]:
    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not (user.is_staff and user.has_perm(permission)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate


@require_safe
@for_staff_with(VIEW)
def page(request: HttpRequest) -> HttpResponse:
    shown = picture()
    context = {
        "shown": shown,
        "drawing": drawing_of(shown["nodes"]),
        "may_drain": request.user.has_perm(DRAIN),
        "without_replicas": not conf().REPLICAS,
    }
    return render(request, "routers/replication.html", context)


@require_safe
@for_staff_with(VIEW)
def as_json(request: HttpRequest) -> HttpResponse:
    return JsonResponse(picture())


@require_POST
@for_staff_with(DRAIN)
def change(request: HttpRequest, alias: str, action: str) -> HttpResponse:
    if alias not in conf().weights or action not in CHANGES:
        raise Http404
    try:
        CHANGES[action](alias)
    except StoreLost:
        messages.error(request, _("The cache does not answer; nothing was changed."))
        return redirect("replication")
    write_down(request, alias, action)
    sentence = (
        _("%(node)s takes no more reads, within a second or two.")
        if action == "drain"
        else _("%(node)s takes reads as soon as it is fit for them.")
    )
    messages.success(request, sentence % {"node": alias})
    return redirect("replication")


def write_down(request: HttpRequest, alias: str, action: str) -> None:
    """Who did it, in the log of Django's admin, where that is installed."""
    if apps.is_installed("django.contrib.admin"):
        from django.contrib.admin.models import CHANGE, LogEntry  # noqa: PLC0415 - a model, once apps are there

        LogEntry.objects.create(
            user_id=request.user.pk,  # type: ignore[misc]  # somebody, as was checked
            object_repr=alias,
            action_flag=CHANGE,
            change_message=action,
        )
