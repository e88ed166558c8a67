"""From commit to readable: how soon a replica has what the primary has answered as committed."""

import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from orders.models import Order
from orders.services import change_order
from routers import probe
from routers.conf import conf
from routers.gtid import GTIDSet
from scripts.bench.figures import Sample, say, table
from scripts.bench.members import await_replicas, new_caller

COMMITS = 300  # for each replica
LONGEST = 10  # seconds


def report() -> None:
    order = Order.objects.filter(customer=new_caller().member).latest("id")
    delays: dict[str, list[float]] = {alias: [] for alias in conf().REPLICAS}
    for number in range(COMMITS):
        for alias, values in delays.items():  # in turn: a wait for one would delay the look at the other
            values.append(_delay(order, f"머그컵 {number} {alias}", alias))
    rows = [_row(alias, values) for alias, values in delays.items()]
    rows += [_row(f"({alias}, had it already)", _round_trips(alias)) for alias in delays]
    rung = connections[DEFAULT_DB_ALIAS].capture_rung
    table(
        f"From commit to readable, ms ({COMMITS} commits for each replica; own GTIDs by {rung})",
        ["replica", "median", "p95", "p99", "longest"],
        rows,
    )
    say("\n  The last rows are the look itself, WAIT_FOR_EXECUTED_GTID_SET: it is in the first ones too.")


def _delay(order: Order, name: str, alias: str) -> float:
    """Seconds from the primary's answer to the replica's."""
    primary: Any = connections[DEFAULT_DB_ALIAS]
    primary.forget_own_gtids()
    change_order(order=order, product_name=name)
    committed = time.perf_counter()
    gtids = GTIDSet.parse(primary.take_own_gtids())
    if not gtids or not probe.wait(connections[alias], gtids, LONGEST):
        raise SystemExit(f"{alias} did not get {gtids} within {LONGEST} s.")
    return time.perf_counter() - committed


def _round_trips(alias: str) -> list[float]:
    gtids = await_replicas()
    found = []
    for _ in range(COMMITS):
        started = time.perf_counter()
        probe.wait(connections[alias], gtids, LONGEST)
        found.append(time.perf_counter() - started)
    return found


def _row(alias: str, values: list[float]) -> list[str]:
    ms = Sample(values).times(1000)
    figures = (ms.median, ms.percentile(95), ms.percentile(99), max(ms.values))
    return [alias, *[f"{figure:.2f}" for figure in figures]]
