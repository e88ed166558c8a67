"""What the pages of staff need beyond the API: sessions, CSRF, messages, a content security policy.

Only for paths under `PREFIXES`: a request with a token pays one comparison for it.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from drf_oms.error_pages import error_page
from orders.permissions import IMPORT, staff_may
from routers import consistency

ADMIN = "/admin"
PREFIXES = (ADMIN, "/ops")

# Everything from this host, nothing inline, nothing evaluated, no page of ours in a frame.
STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# Unfold's Alpine evaluates the expressions in its templates' attributes, and its colours are an inline style.
UNFOLD = {**STRICT, "script-src": "'self' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}


class PagesMiddleware:
    """Django's middleware of sessions, logins, messages and CSRF, around the pages alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.csrf = CsrfViewMiddleware(get_response)
        messages: Any = MessageMiddleware(self.csrf)
        self.page: Any = SessionMiddleware(staff_of_session(messages))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_page(request):
            return self.get_response(request)
        response: HttpResponse = self.page(request)
        if response.status_code >= 400 and request.accepts("text/html") and is_json(response):
            response = error_page(request, response)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not is_page(request):
            return None
        return too_large(request) or self.csrf.process_view(request, view, args, kwargs)


def is_page(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIXES)


def too_large(request: HttpRequest) -> HttpResponse | None:
    """Before the form is read, as it is to find its CSRF token. Files are for those who may import them."""
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size <= settings.REQUEST_BODY_LIMIT:
        return None
    if size <= settings.IMPORT_BODY_LIMIT and staff_may(request.user, IMPORT):
        return None
    return JsonResponse({"detail": _("This is more than a form holds.")}, status=413)


def is_json(response: HttpResponse) -> bool:
    return "json" in response.headers.get("Content-Type", "")


def staff_of_session(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., Any]:
    """As Django's AuthenticationMiddleware, but a request that is run again looks again."""

    def middleware(request: HttpRequest) -> HttpResponse:
        seen: list[Any] = []

        def look() -> Any:
            seen.append(member_of(request))
            return seen[0]

        request.user = SimpleLazyObject(look)  # type: ignore[assignment]
        try:
            return get_response(request)
        finally:  # who logs the request must not look, for its scope is over
            if isinstance(request.user, SimpleLazyObject):
                request.user = seen[0] if seen else AnonymousUser()

    return middleware


def member_of(request: HttpRequest) -> Any:
    """Whose session it is, as a node says whose word counts (see `accounts.staff_sessions`)."""
    request.session.get(auth.SESSION_KEY)
    with consistency.for_credentials():
        return auth.get_user(request)


def policy(request: HttpRequest) -> str:
    relaxed = request.path_info.startswith(ADMIN) and apps.is_installed("unfold")
    return "; ".join(f"{name} {sources}" for name, sources in (UNFOLD if relaxed else STRICT).items())
