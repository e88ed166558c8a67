"""The story of one request: where it may read, and what its writes mean for the requests after it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from routers import positions, scope
from routers.conf import conf

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110, section 9.2.1
HEADER = "X-Database"


class RoutingMiddleware:
    """Safe requests read one replica until they write; all others read the primary."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        state: scope.State = "replica" if request.method in SAFE_METHODS else "primary"
        # One client, one replica: its reads do not jump between nodes that are unequally behind.
        with scope.request_scope(state, affinity=request.headers.get("Authorization")) as story:
            response = self.get_response(request)
            if story.wrote:
                positions.record(members=story.members, revoked=story.revoked)
        if conf().EXPOSE_DATABASE_HEADER:
            response[HEADER] = ", ".join(story.answered)
        return response
