"""What has happened of late, for people who look at the page: how far nodes were behind, and events.

Lags are this process's own looks. Events come from all processes: each keeps its own until its prober shares
them in the cache, so that no request waits for that. The log is where nothing is lost.
"""

import time
from collections import defaultdict, deque
from contextlib import suppress
from typing import Any

from django.core.cache import caches

from routers.conf import conf

LOOKS = 240  # two minutes, at two looks a second
EVENTS, EVENT_SECONDS = 100, 3600
SAME_SECONDS = 5  # within which several processes tell of the same
KEY = "routers:journal"

# Those that are few; the others are counted (routers.metrics).
KEPT = {
    "drain_restored",
    "lost_write",
    "node_in",
    "node_out",
    "position_store_found",
    "position_store_lost",
    "positions_forgotten",
    "primary_changed",
    "request_rerun",
    "semisync_degraded",
    "semisync_restored",
    "split_brain",
}

Event = tuple[float, str, str, str]  # when (seconds since 1970), its name, the node's alias, the reason

lags: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LOOKS))
_unshared: deque[Event] = deque(maxlen=EVENTS)


def note_lag(alias: str, seconds: float) -> None:
    lags[alias].append(seconds)


def note_event(name: str, facts: dict[str, Any]) -> None:
    if name in KEPT:
        _unshared.append((time.time(), name, str(facts.get("alias", "")), str(facts.get("reason", ""))))


def share() -> None:
    """Add this process's events to those of all. A cache that fails gets them the next time."""
    if not _unshared:
        return
    mine = list(_unshared)
    with suppress(Exception):  # each cache backend has errors of its own
        cache = caches[conf().CACHE]
        cache.set(KEY, _newest([*(cache.get(KEY) or ()), *mine]), timeout=EVENT_SECONDS)
        for _ in mine:
            _unshared.popleft()


def events() -> list[Event]:
    """Of the last hour, newest first; what several processes told of at once, once."""
    shared: list[Event] = []
    with suppress(Exception):  # as above
        shared = [tuple(event) for event in caches[conf().CACHE].get(KEY) or ()]
    found: list[Event] = []
    for event in sorted([*shared, *_unshared]):
        same = (other for other in reversed(found) if other[1:3] == event[1:3])
        if (last := next(same, None)) is None or event[0] - last[0] > SAME_SECONDS:
            found.append(event)
    oldest = time.time() - EVENT_SECONDS
    return [event for event in reversed(found) if event[0] > oldest]


def _newest(events: list[Event]) -> list[Event]:
    return sorted(events)[-EVENTS:]
