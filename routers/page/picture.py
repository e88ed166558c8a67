"""What the page about replication shows, in numbers for programs and in words for people."""

import time
from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import Any

from django.core.cache import caches
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from routers import drained, journal, metrics
from routers.conf import conf
from routers.page import words
from routers.pool import nodes
from routers.replica import Node

READS, EVENTS, WAITS = "routers_requests_total", "routers_events_total", "routers_wait_seconds_count"
SAMPLES = "routers:page:samples"
RATE_SECONDS = 15  # over which reads a second are meant
SPARK_WIDTH, SPARK_HEIGHT = 120, 24


def picture() -> dict[str, Any]:
    """As this process sees the nodes, with the counts of all processes of this host."""
    totals = metrics.totals(READS, EVENTS, WAITS)
    reads = {node.alias: 0.0 for node in nodes()}
    for labels, value in totals[READS]:
        if labels["kind"] == "read" and labels["alias"] in reads:
            reads[labels["alias"]] += value
    rates = rates_of(reads, time.time())
    shown = [describe(node, reads, rates) for node in nodes()]
    return {
        "time": timezone.localtime().strftime("%H:%M:%S"),
        "status": words.status(shown),
        "nodes": shown,
        "fall_backs": fall_backs(totals[EVENTS]),
        "waits": waits(totals[WAITS]),
        "events": [shown_event(event) for event in journal.events()[:20]],
    }


def describe(node: Node, reads: dict[str, float], rates: dict[str, float | None]) -> dict[str, Any]:
    """One node. `lag_ms` and `behind` are null where they cannot be told, and for the primary."""
    primary = nodes().primary
    is_primary = node is primary
    known = node.facts is not None and not is_primary
    lag = round(node.lag * 1000) if known and isfinite(node.lag) else None
    behind = (primary.executed - node.executed).count() if known and primary.facts else None
    all_reads = sum(reads.values())
    rate = rates[node.alias]
    return {
        "alias": node.alias,
        "role": "primary" if is_primary else "replica",
        "in_service": node.in_service(),
        "drained": node.out_because == drained.REASON,
        "state": node.out_because or "ok",
        "kind": words.kind(node),
        "state_text": words.state(node),
        "lag_ms": lag,
        "lag_text": "–" if lag is None else words.duration(lag),
        "spark": spark(node.alias),
        "behind": behind,
        "behind_text": "–" if behind is None else number_format(behind, force_grouping=True),
        "reads": int(reads[node.alias]),
        "share_text": f"{reads[node.alias] / all_reads:.0%}" if all_reads else "–",
        "rate_text": "–" if rate is None else _("%(rate)s a second") % {"rate": f"{rate:.1f}"},
    }


def spark(alias: str) -> str:
    """The points of a line through the latest lags; where the lag is unknown, it is at the top."""
    lags = list(journal.lags[alias])
    highest = max([lag for lag in lags if isfinite(lag)] + [0.1])
    step = SPARK_WIDTH / max(journal.LOOKS - 1, 1)
    first = journal.LOOKS - len(lags)
    heights = [SPARK_HEIGHT * (1 - min(lag / highest, 1.0)) for lag in lags]
    return " ".join(f"{(first + i) * step:.1f},{height:.1f}" for i, height in enumerate(heights))


def rates_of(reads: dict[str, float], now: float) -> dict[str, float | None]:
    """Reads a second of each node, since a look some seconds ago; None until there was one."""
    samples: list[tuple[float, dict[str, float]]] = []
    with suppress(Exception):  # each cache backend has errors of its own; then there are no rates
        cache = caches[conf().CACHE]
        samples = [sample for sample in cache.get(SAMPLES) or () if now - sample[0] <= RATE_SECONDS]
        if not samples or now - samples[-1][0] >= 1:
            cache.set(SAMPLES, [*samples, (now, reads)], timeout=RATE_SECONDS)
    if not samples or now - samples[0][0] < 1:
        return dict.fromkeys(reads)
    since, before = samples[0]
    return {alias: max(count - before.get(alias, 0.0), 0.0) / (now - since) for alias, count in reads.items()}


def fall_backs(events: list[tuple[dict[str, str], float]]) -> list[list[str]]:
    """Rows of (reason, how many reads), most first."""
    counted = [(value, labels["reason"]) for labels, value in events if labels["name"] == "fall_back"]
    return [
        [words.reason(reason), number_format(int(value))] for value, reason in sorted(counted, reverse=True)
    ]


def waits(counted: list[tuple[dict[str, str], float]]) -> list[list[str]]:
    """Rows of (what became of it, how many waits for a replica to catch up)."""
    by_end = {"true": 0.0, "false": 0.0}
    for labels, value in counted:
        by_end[labels["reached"]] += value
    return [
        [_("the replica had it in time"), number_format(int(by_end["true"]))],
        [_("it had not; another node answered"), number_format(int(by_end["false"]))],
    ]


def shown_event(event: journal.Event) -> list[str]:
    at, name, alias, reason = event
    when = timezone.localtime(datetime.fromtimestamp(at, timezone.get_default_timezone()))
    return [when.strftime("%H:%M:%S"), words.event(name), alias, reason]
