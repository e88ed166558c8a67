"""What clients did and saw, written down as they did it, and what no such history may show.

In the manner of Jepsen: each operation has a start, an end and a result that may be unknown, and nothing is
assumed of the moments between. An order is placed under a name of its own; a read is the set of names that it
showed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.replication.cluster import Cluster

SHOWN = 200  # orders on a page, the newest; of older ones a read says nothing


@dataclass(frozen=True)
class Placed:
    """One order, with all its tries. `acknowledged` is when the client had its 201 or 200; None: never."""

    member: int
    name: str
    started: float
    acknowledged: float | None
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Read:
    """One answer: the names it showed, newest first; `status` other than 200: none; `lost` by its header."""

    member: int
    started: float
    ended: float
    status: int
    names: tuple[str, ...]
    lost: bool = False


@dataclass
class History:
    """Filled by many threads: `list.append` is one step."""

    placed: list[Placed] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    def acknowledged(self) -> list[Placed]:
        return [order for order in self.placed if order.acknowledged is not None]

    def statuses(self) -> Counter[int]:
        """Of all tries to write; 0 is no answer."""
        return Counter(status for order in self.placed for status in order.statuses)

    def longest_write(self) -> float:
        """Seconds from the first try to the acknowledgement."""
        return max((order.acknowledged - order.started for order in self.acknowledged()), default=0.0)


def stored(cluster: Cluster, nodes: Iterable[str], run: str) -> dict[str, Counter[str]]:
    """How often each order of a run is there, by node."""
    sql = f"SELECT product_name FROM oms.orders_order WHERE product_name LIKE '{run}-%'"
    return {node: Counter(cluster.query(node, sql).split()) for node in nodes}


def settle(cluster: Cluster, primary: str, nodes: Iterable[str]) -> None:
    """Until these nodes have what the primary has."""
    committed = cluster.query(primary, "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
    for node in nodes:
        waited = cluster.query(node, f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{committed}', 30)")
        assert waited == "0", f"{node} has not caught up"


def violations(history: History, stored: dict[str, Counter[str]]) -> dict[str, list[str]]:
    """What is wrong with it, by kind. `stored`: how often each name is on each node in the end."""
    found = {
        "lost": list(_lost(history, stored)),
        "doubled": list(_doubled(stored)),
        "invented": list(_invented(history, stored)),
        "stale": list(_stale(history)),
        "backwards": list(_backwards(history)),
    }
    return {kind: said for kind, said in found.items() if said}


def _lost(history: History, stored: dict[str, Counter[str]]) -> Iterator[str]:
    for node, names in stored.items():
        for order in history.acknowledged():
            if order.name not in names:
                yield f"{node}: {order.name} was acknowledged"


def _doubled(stored: dict[str, Counter[str]]) -> Iterator[str]:
    for node, names in stored.items():
        yield from (f"{node}: {name}, {times} times" for name, times in names.items() if times > 1)


def _invented(history: History, stored: dict[str, Counter[str]]) -> Iterator[str]:
    known = {order.name for order in history.placed}
    for node, names in stored.items():
        yield from (f"{node}: {name}, which nobody placed" for name in names.keys() - known)


def _by_member(items: Iterable) -> dict[int, list]:
    found: dict[int, list] = {}
    for item in items:
        found.setdefault(item.member, []).append(item)
    return found


def _stale(history: History) -> Iterator[str]:
    """What was acknowledged before a read began, is in it."""
    orders = _by_member(history.acknowledged())
    for member, reads in _by_member(_answered(history)).items():
        for read in reads:
            due = {o.name for o in orders.get(member, []) if o.acknowledged < read.started}
            yield from _lacking("stale", read, due)


def _backwards(history: History) -> Iterator[str]:
    """What a read showed that had ended before this one began, is in it."""
    for reads in _by_member(_answered(history)).values():
        ended = sorted(reads, key=lambda read: read.ended)
        seen: set[str] = set()
        at = 0
        for read in sorted(reads, key=lambda read: read.started):
            while at < len(ended) and ended[at].ended < read.started:
                seen |= set(ended[at].names)
                at += 1
            yield from _lacking("backwards", read, seen)


def _lacking(kind: str, read: Read, due: set[str]) -> Iterator[str]:
    """A full page has only the newest: it is judged by whether it shows as much."""
    if len(read.names) < SHOWN and (lacks := due - set(read.names)):
        yield f"{kind}: member {read.member} at {read.started:.3f} lacked {sorted(lacks)[:3]}"


def _answered(history: History) -> list[Read]:
    return [read for read in history.reads if read.status == 200]
