"""Who must see which write.

A member's entry says which transactions a node must contain before it may answer them, and which
requests are changing what they see just now. A request *announces* itself before its first commit and
is *recorded* after its last one, before its answer is sent. So whoever saw a change, on any node,
finds it announced or recorded ever after: reads cannot go back behind it.
"""

import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from routers import events
from routers.gtid import GTIDSet
from routers.pool import distrust_replicas, nodes
from routers.store import Store, StoreLost

# An announcement without a record is one of a process that died: its write may or may not be there.
IN_FLIGHT_SECONDS = 120
MANY_INTERVALS = 50  # beyond these an entry is rounded up

COUNTS_ANEW = "the primary counts anew"

store = Store()
_parse = lru_cache(maxsize=4096)(GTIDSet.parse)  # the same text for as long as a member writes nothing


@dataclass(frozen=True)
class Position:
    """What a node must contain; `in_flight`: somebody is changing it now, so only the primary knows."""

    gtids: GTIDSet
    in_flight: bool


# What is stored: the epoch, the GTID set as text, and the time stamps of announced requests by their id.
Entry = tuple[str, str, dict[str, float]]

NOTHING = Position(GTIDSet(), in_flight=False)


def of(member_id: Any) -> Position:
    """The member's position. Raises `StoreLost` where it cannot be known."""
    entry: Entry | None = store.read(_key(member_id))
    if entry is None or entry[0] != store.epoch:
        return NOTHING
    return Position(_parse(entry[1]), in_flight=bool(entry[2] and _alive(entry[2])))


def announce(member_ids: Iterable[Any]) -> dict[Any, str]:
    """These members are about to see a change; answers for each the id to `record` it under."""
    request_id = uuid.uuid4().hex[:12]
    for member_id in member_ids:
        _change(member_id, lambda gtids, in_flight: (gtids, in_flight | {request_id: time.time()}))
    return dict.fromkeys(member_ids, request_id)


def record(member_ids: Iterable[Any], gtids: GTIDSet, announced: dict[Any, str]) -> bool:
    """The change is committed as these transactions (none: it was rolled back).

    Answers whether that could be stored.
    """
    stored = True
    for member_id in member_ids:
        request_id = announced.get(member_id)

        def recorded(
            old: GTIDSet, in_flight: dict[str, float], request_id: str | None = request_id
        ) -> tuple[GTIDSet, dict[str, float]]:
            return _still_needed(old) | gtids, {k: at for k, at in in_flight.items() if k != request_id}

        stored &= _change(member_id, recorded)
    return stored


def forget(member_id: Any, gtids: GTIDSet) -> None:
    """These transactions are lost: no node can be asked to contain them."""
    _change(member_id, lambda known, in_flight: (known - gtids, in_flight))


def forget_all() -> None:
    """The primary counts anew: what replicas contain under the old numbers is something else."""
    distrust_replicas(COUNTS_ANEW)
    store.forget_all()


def owner_of(token: str) -> Any:
    """Whose token this is, as other processes have found out; None when nobody has, or the store is lost."""
    try:
        return store.read(f"routers:token:{token}")
    except StoreLost:
        return None


def set_owner(token: str, member_id: Any) -> None:
    with suppress(StoreLost):
        store.write(f"routers:token:{token}", member_id)


def _change(member_id: Any, change: Any) -> bool:
    def changed(entry: Entry | None, epoch: str) -> Entry:
        known = entry if entry is not None and entry[0] == epoch else (epoch, "", {})
        gtids, in_flight = change(_parse(known[1]), _alive(known[2]))
        return epoch, str(gtids), in_flight

    try:
        store.update(_key(member_id), changed)
    except StoreLost:  # which owes everybody a new epoch now; see there
        events.emit("positions_forgotten", reason="a position could not be stored")
        return False
    return True


def _still_needed(gtids: GTIDSet) -> GTIDSet:
    """Nothing, once every replica contains it: also those out of service, for they may come back."""
    replicas = nodes().replicas.values()
    if replicas and all(node.contains(gtids) for node in replicas):
        return GTIDSet()
    if gtids.intervals() <= MANY_INTERVALS:
        return gtids
    rounded = gtids.rounded_up()  # as far as there are such: a group leaves gaps between its members' numbers
    return gtids | (rounded - (rounded - nodes().primary.executed))


def _alive(in_flight: dict[str, float]) -> dict[str, float]:
    oldest = time.time() - IN_FLIGHT_SECONDS
    return {request_id: at for request_id, at in in_flight.items() if at > oldest}


def _key(member_id: Any) -> str:
    return f"routers:member:{member_id}"
