"""One request as it is counted and logged: by its route, never by its path, query or body."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from drf_oms import metrics
from drf_oms.request_id import current_request_id
from drf_oms.routes import route_of

ENVIRON_KEY = "drf_oms.access"  # where gunicorn's logger finds it, once all bytes are sent


@dataclass(frozen=True)
class Access:
    """Who asked for what, and which nodes answered: all that the access log says beyond the status."""

    request_id: str
    route: str
    member: Any
    nodes: list[str]


class AccessMiddleware:
    """Counts each request, and leaves in the WSGI environ what the access log is to say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        route = route_of(request)
        metrics.count(request.method, route, response.status_code, time.perf_counter() - started)
        request.META[ENVIRON_KEY] = Access(
            request_id=current_request_id.get(),
            route=route,
            member=getattr(getattr(request, "user", None), "pk", None),
            nodes=list(getattr(request, "routers_answered", ())),
        )
        return response
