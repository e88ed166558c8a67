"""The story of one request: where it may read, and what its writes mean for the requests after it."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from routers import (
    admission,
    consistency,
    events,
    freshness,
    gate,
    levels,
    lost,
    metrics,
    positions,
    primary,
    prober,
    scope,
    tokens,
)
from routers.conf import conf
from routers.errors import NoNodeAvailable, is_connection_error, is_demotion
from routers.gtid import GTIDSet
from routers.mysql.tracking import was_rolled_back
from routers.pool import nodes
from routers.scope import Story

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110, section 9.2.1
DATABASE = "X-Database"  # out: the aliases that answered, in order
LEVEL = "X-Consistency"  # in: a level; out: "eventual" where an answer may be stale
TOKEN = "X-Consistency-Token"  # noqa: S105 - in and out: a write position
COOKIE = "consistency"  # the same for browsers
LOST = "X-Lost-Transactions"  # out: acknowledged writes that did not survive a change of the primary


class RoutingMiddleware:
    """Safe requests read one replica that has what they must see; others, and after a write, the primary."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        prober.ensure_started()
        read_body_that_may_be_needed_again(request)
        response = self._answer(request)
        if getattr(request, "routers_rerun", False):
            events.emit("request_rerun", alias=request.routers_rerun)  # type: ignore[attr-defined]
            response = self._answer(request)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        reads = request.method in SAFE_METHODS and conf().REPLICAS
        state: scope.State = "replica" if reads else "primary"
        with scope.request_scope(state, affinity=request.META.get("HTTP_AUTHORIZATION")) as story:
            try:
                response = self.get_response(request)
            finally:
                record_commits(story)
                gate.take(story, None)
            self._describe(request, response, story)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """The view is known, and with it the level."""
        now = scope.current()
        if now is None or not conf().REPLICAS:
            return None
        try:
            if now.state == "primary":
                admission.admit_write(now.story)
            else:
                now.story.level = levels.level_of(view, request.method or "GET")
                ask_for_more(request, now.story)
                if now.story.required:  # a wait, perhaps: before the first snapshot opens
                    consistency.settle_if_new(now)
        except NoNodeAvailable as error:
            return unavailable(error.reason)
        except ValueError as error:  # a header that cannot be read
            return JsonResponse({"detail": str(error)}, status=400)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A node that is gone is answered by another one, once, or by 503: never by 500."""
        now = scope.current()
        if isinstance(error, NoNodeAvailable):
            return unavailable(error.reason)
        if now is not None and is_demotion(error):
            return self._demoted(request, now.story, error)
        if now is None or not is_connection_error(error):
            return None
        alias = now.story.failed or now.story.asked
        if alias in nodes():
            nodes()[alias].lose("connection lost")
        first_try = not hasattr(request, "routers_rerun")
        if alias != DEFAULT_DB_ALIAS and not now.story.wrote and now.state == "replica" and first_try:
            request.routers_rerun = alias  # type: ignore[attr-defined]
            return HttpResponse(status=503)  # nobody will see it
        return unavailable(f"the connection to {alias} was lost")

    def _demoted(self, request: HttpRequest, story: Story, error: Exception) -> HttpResponse:
        """The primary has become another server. What has committed nothing is run again there, once."""
        nodes().primary.lose("read only")
        can_be_read_again = request.method in SAFE_METHODS or hasattr(request, "_body")
        first_try = not hasattr(request, "routers_rerun")
        may_be_elsewhere = primary.moves() and first_try and can_be_read_again
        if not (may_be_elsewhere and was_rolled_back(error) and has_committed_nothing(story)):
            return unavailable("the primary takes no writes any more")
        request.routers_rerun = DEFAULT_DB_ALIAS  # type: ignore[attr-defined]
        return HttpResponse(status=503)  # nobody will see it

    def _describe(self, request: HttpRequest, response: HttpResponse, story: Story) -> None:
        request.routers_answered = story.answered  # type: ignore[attr-defined]  # for the access log
        for alias in story.answered:
            metrics.count_request(alias, reads=request.method in SAFE_METHODS)
        if story.stale:
            response[LEVEL] = "eventual"
        if story.lost:
            response[LOST] = str(story.lost)
        if story.own and (token := tokens.make(story.own)):
            response[TOKEN] = token
            response.set_cookie(
                COOKIE,
                token,
                max_age=conf().POSITION_SECONDS,
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
        if conf().EXPOSE_DATABASE_HEADER:
            response[DATABASE] = ", ".join(story.answered)
            response["Server-Timing"] = f"wait;dur={story.wait_seconds * 1000:.2f}"


def ask_for_more(request: HttpRequest, story: Story) -> None:
    """What the client asks for by headers. Raises ValueError, also for what cannot be read."""
    if asked := request.META.get("HTTP_X_CONSISTENCY"):
        try:
            story.asked_level = levels.parse_level(asked)
        except ValueError as error:
            sentence = _("%(header)s: eventual, bounded=SECONDS, session or strong is expected.")
            raise ValueError(sentence % {"header": LEVEL}) from error
        story.level = max(story.level, story.asked_level)
    if token := request.META.get("HTTP_X_CONSISTENCY_TOKEN"):
        story.required = tokens.read(token) or GTIDSet()
    elif "HTTP_COOKIE" in request.META and (cookie := request.COOKIES.get(COOKIE)):
        try:
            story.required = tokens.read(cookie) or GTIDSet()
        except tokens.BadToken:  # a browser cannot mend its cookies
            events.emit("token_ignored", reason="bad cookie")


def record_commits(story: Story) -> None:
    """What the request has committed becomes the position of those whom it concerns."""
    if not conf().REPLICAS or (DEFAULT_DB_ALIAS not in story.answered and not story.announced):
        return
    try:
        take_own(story)
        if freshness.primary_counts_anew(story):
            positions.forget_all()
    except DatabaseError:
        return  # whether it committed is not known: it stays announced, and the primary answers meanwhile
    if not story.own and not story.announced:
        return
    if not positions.record(story.members, story.own, story.announced):
        freshness.make_known(story)
    lost.acknowledge(story.own)


def has_committed_nothing(story: Story) -> bool:
    try:
        take_own(story)
    except DatabaseError:
        return False
    return not story.own


def take_own(story: Story) -> None:
    """Raises `django.db.Error` where it cannot be known."""
    connection = connections[DEFAULT_DB_ALIAS]
    if hasattr(connection, "take_own_gtids"):
        story.own |= GTIDSet.parse(connection.take_own_gtids())


def read_body_that_may_be_needed_again(request: HttpRequest) -> None:
    """Views read it as a stream. Longer ones, and those of unknown length, are not: see `_demoted`."""
    if request.method not in SAFE_METHODS and primary.moves():
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) <= (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            _ = request.body


def unavailable(reason: str) -> HttpResponse:
    """503 as a problem body (RFC 9457) with `Retry-After` (RFC 9110, section 10.2.3)."""
    events.emit("refused", reason=reason)
    body = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": _(
            "No database can answer this now; try again later."
            " If it was a change, look first whether it was made."
        ),
    }
    return JsonResponse(
        body,
        status=503,
        content_type="application/problem+json",
        headers={"Retry-After": str(conf().RETRY_AFTER_SECONDS)},
    )
