"""Acknowledged writes that a new primary does not contain: lost, unless their server comes back.

Each process remembers which of its commits were answered and are not on every replica yet, and compares them
with a primary that is a new one. A member whose position names a lost transaction is told at their next read,
and it is taken out of the position, or no node could ever answer them.
"""

import threading
import time
from contextlib import suppress
from typing import Any

from routers import events, freshness, metrics, pool, positions
from routers.gtid import GTIDSet
from routers.probe import Facts
from routers.scope import Story
from routers.store import StoreLost

KEY = "routers:lost"
KEPT_SECONDS = 30 * 24 * 3600

_acknowledged = GTIDSet()  # of this process
_in_doubt = GTIDSet()  # those of them of which a new primary has not said yet whether it has them
_changing = threading.Lock()


def acknowledge(gtids: GTIDSet) -> None:
    """These are about to be answered."""
    global _acknowledged  # noqa: PLW0603 - one per process
    with _changing:
        _acknowledged |= gtids


def suspect_all() -> None:
    """The primary is another server than before."""
    global _in_doubt  # noqa: PLW0603
    with _changing:
        _in_doubt = _acknowledged


def compare(primary: Facts) -> None:
    """What a new primary has not even received, is lost. What it has yet to apply, is looked at again."""
    global _acknowledged, _in_doubt
    with _changing:
        missing = _in_doubt - primary.executed
        gone = missing - primary.received
        _in_doubt, _acknowledged = missing - gone, _still_on_few(_acknowledged) - gone
    report(gone)


def _still_on_few(gtids: GTIDSet) -> GTIDSet:
    """Those that some replica lacks, of the replicas that answer; all of them where none does."""
    sets = [node.executed for node in pool.nodes().replicas.values() if node.facts is not None]
    if not gtids or not sets:
        return gtids
    lacking = GTIDSet()
    for executed in sets:
        lacking |= gtids - executed
    return lacking


def tell(story: Story, gtids: GTIDSet) -> None:
    """The story's member must see these, and nobody can show them any more."""
    story.lost |= gtids
    freshness.forget(gtids)
    if story.member is not None:
        positions.forget(story.member, gtids)
    report(gtids)


def report(gtids: GTIDSet) -> None:
    """Count and log those that no process has reported yet, and keep them for `replication status`."""
    if not gtids:
        return
    fresh = [gtids]

    def changed(entry: Any, epoch: str) -> tuple[str, float]:
        known = GTIDSet.parse(entry[0]) if entry else GTIDSet()
        fresh[0] = gtids - known
        return str(known | gtids), time.time()

    with suppress(StoreLost):  # said twice rather than never
        positions.store.update(KEY, changed, seconds=KEPT_SECONDS)
    if fresh[0]:
        metrics.count_lost(fresh[0].count())
        events.emit("lost_write", count=fresh[0].count(), gtids=fresh[0])


def known() -> tuple[GTIDSet, float] | None:
    """All that were reported in the last 30 days, and when the last ones were. Raises `StoreLost`."""
    entry = positions.store.read(KEY)
    return (GTIDSet.parse(entry[0]), entry[1]) if entry else None


def clear() -> None:
    """Those who ought to know, know. Raises `StoreLost`."""
    positions.store.write(KEY, None)
