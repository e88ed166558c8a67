"""What single steps of the router cost, called directly."""

import timeit
from collections.abc import Callable
from typing import Any

from django.core.cache import caches
from django.db import router
from django.test import override_settings

from orders.models import Order
from routers import consistency, gate, positions, scope
from routers.prober import Prober
from routers.router import PrimaryReplicaRouter
from scripts.bench.figures import Sample, table
from scripts.bench.members import Caller, await_replicas

REPEATS = 15


def report_db_for_read() -> None:
    """Django's call, as every queryset makes it, and the router's method alone."""
    ours = PrimaryReplicaRouter()
    with override_settings(DATABASE_ROUTERS=[]):
        rows = [_row("Django's router, no DATABASE_ROUTERS", lambda: router.db_for_read(Order), 1e9)]
    rows.append(_row("with ours, outside a request", lambda: router.db_for_read(Order), 1e9))
    with scope.request_scope("replica", affinity="x") as story:
        gate.settle(story)
        rows.append(_row("with ours, reading a replica", lambda: router.db_for_read(Order), 1e9))
        rows.append(_row("  our method alone", lambda: ours.db_for_read(Order), 1e9))
        gate.take(story, None)
    with scope.request_scope("primary"):
        rows.append(_row("with ours, reading the primary", lambda: router.db_for_read(Order), 1e9))
    table("db_for_read, ns a call", ["", "median", "quartiles"], rows)


def report_steps(caller: Caller, stranger: Caller) -> None:
    """The parts of what a request adds, each with those before it. The stranger has no write position."""
    know_position(caller)
    _request(caller, steps=3)  # from here on this process knows whose token it is
    key = f"routers:member:{caller.member.pk}"
    steps: dict[str, Callable[[], Any]] = {
        "a scope, opened and left": lambda: _request(caller, steps=0),
        "  + a replica chosen": lambda: _request(caller, steps=1),
        "  + presents_token, position looked up": lambda: _request(caller, steps=2),
        "  + acts_for": lambda: _request(caller, steps=3),
        "positions.of, a position that replicas have": lambda: positions.of(caller.member.pk),
        "positions.of, no position": lambda: positions.of(stranger.member.pk),
        "  of which the cache (get_many)": lambda: caches["default"].get_many([key, "routers:epoch"]),
    }
    rows = [_row(name, step, 1e6, digits=1) for name, step in steps.items()]
    table("Steps of a read, without Django around them, µs", ["", "median", "quartiles"], rows)


def know_position(caller: Caller) -> None:
    """The caller has written; all replicas have it, and this process knows that."""
    positions.record([caller.member.pk], await_replicas(), {})
    Prober().look_at_all()


def _request(caller: Caller, *, steps: int) -> None:
    with scope.request_scope("replica", affinity=caller.key) as story:
        if steps > 0:
            gate.settle(story)
        if steps > 1:
            consistency.presents_token(caller.digest)
        if steps > 2:
            consistency.acts_for(caller.member.pk, token=caller.digest)
        gate.take(story, None)


def _row(name: str, call: Callable[[], Any], unit: float, *, digits: int = 0) -> list[str]:
    call()
    timer = timeit.Timer(call)
    number = max(timer.autorange()[0] // 4, 1)  # repeats of 0.05 s and more
    sample = Sample([seconds / number * unit for seconds in timer.repeat(REPEATS, number)])
    return [name, f"{sample.median:.{digits}f}", sample.quartiles(digits)]
