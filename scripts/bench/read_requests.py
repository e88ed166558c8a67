"""What the router adds to a read request, in process: no network to the client, no other worker.

The whole of Django's WSGI handler answers, with the settings of production, the position store in its
SQLite file and the prober running. Variants take turns, a few requests each, so that what else the
machine does meets all alike; CPU time is that of the thread that answers.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from routers import consistency
from routers.prober import Prober
from scripts.bench.decisions import know_position
from scripts.bench.figures import Sample, table
from scripts.bench.members import Caller

ROUTING = "routers.middleware.RoutingMiddleware"
Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Variant:
    """Settings under which the same request is answered."""

    name: str
    settings: dict[str, Any]

    @contextmanager
    def chosen(self) -> Iterator[None]:
        with override_settings(**self.settings):
            Prober().look_at_all()  # other replicas than before: what they contain is not known yet
            yield


def variants(middleware: list[str]) -> list[Variant]:
    """Without the router; with it and nothing to route; routing; the first again, to show the noise."""
    off = {**settings.ROUTERS, "REPLICAS": []}
    without = {
        "MIDDLEWARE": [entry for entry in middleware if entry != ROUTING],
        "DATABASE_ROUTERS": [],
        "ROUTERS": off,
    }
    return [
        Variant("without the router", without),
        Variant("routing off", {"MIDDLEWARE": middleware, "ROUTERS": off}),
        Variant("routing on", {"MIDDLEWARE": middleware}),
        Variant("without it, again", without),
    ]


def report(caller: Caller) -> None:
    for node in settings.DATABASES:  # a ping a request, on the primary alone: the same for all
        connections[node].settings_dict["CONN_HEALTH_CHECKS"] = False
        connections[node].close()
    global _caller  # noqa: PLW0603 - a view has no other arguments
    _caller = caller
    trivial = {"ROOT_URLCONF": __name__}
    with override_settings(**trivial):
        _report("A view that reads nothing", "/", variants([ROUTING]), requests=100, rounds=60)
    _report("GET /orders/, 30 orders", "/orders/", variants(settings.MIDDLEWARE), requests=6, rounds=100)


_caller: Caller


def view(request: HttpRequest) -> HttpResponse:
    """What authentication tells the router, without the statement between.

    The headers are parsed once by whoever asks first: in the service that is not the router.
    """
    request.headers.get("Authorization")
    consistency.presents_token(_caller.digest)
    consistency.acts_for(_caller.member.pk, token=_caller.digest)
    return HttpResponse(b"")


urlpatterns = [path("", view)]


def _report(title: str, url: str, compared: list[Variant], *, requests: int, rounds: int) -> None:
    know_position(_caller)
    handlers = {variant.name: _handler(variant) for variant in compared}
    cpu: dict[str, list[float]] = {name: [] for name in handlers}
    wall: dict[str, list[float]] = {name: [] for name in handlers}
    for _ in range(rounds):
        for variant in compared:
            with variant.chosen():
                spent = _block(handlers[variant.name], url, requests)
            cpu[variant.name].append(spent[0])
            wall[variant.name].append(spent[1])
    table(
        f"{title}: µs a request ({rounds} turns of {requests})",
        ["", "CPU", "quartiles", "added", "quartiles", "added at best", "wall", "added"],
        [_row(name, cpu, wall) for name in handlers],
    )


def _handler(variant: Variant) -> Handler:
    with override_settings(**variant.settings):
        return WSGIHandler()


def _block(handler: Handler, url: str, requests: int) -> tuple[float, float]:
    """µs of CPU and of wall time a request, after two that are not counted."""
    headers = {"Authorization": f"Token {_caller.key}"}
    environs = [RequestFactory(headers=headers).get(url).environ for _ in range(requests + 2)]
    for environ in environs[:2]:
        _answer(handler, environ)
    gc.collect()
    gc.disable()
    cpu, wall = time.thread_time(), time.perf_counter()
    for environ in environs[2:]:
        _answer(handler, environ)
    spent = time.thread_time() - cpu, time.perf_counter() - wall
    gc.enable()
    return spent[0] / requests * 1e6, spent[1] / requests * 1e6


def _answer(handler: Handler, environ: dict[str, Any]) -> None:
    response = handler(environ, lambda status, headers: None)
    if response.status_code != 200:
        raise SystemExit(f"{environ['PATH_INFO']} was answered {response.status_code}.")
    response.close()


def _row(name: str, cpu: dict[str, list[float]], wall: dict[str, list[float]]) -> list[str]:
    """Added: the median of the differences turn by turn; at best: between the tenth percentiles."""
    reference = next(iter(cpu))
    mine, theirs = Sample(cpu[name]), Sample(cpu[reference])
    added, wall_added = mine.minus(theirs), Sample(wall[name]).minus(Sample(wall[reference]))
    at_best = mine.percentile(10) - theirs.percentile(10)
    figures = [mine.median, mine.quartiles(), added.median, added.quartiles(), at_best]
    figures += [Sample(wall[name]).median, wall_added.median]
    return [name, *[figure if isinstance(figure, str) else f"{figure:.0f}" for figure in figures]]
