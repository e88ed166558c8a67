"""What clients did and saw, written down as they did it, and what no such history may show.

In the manner of Jepsen: each operation has a start, an end and a result that may be unknown, and nothing is
assumed of the moments between. An order is placed under a name of its own; a read is the set of names that it
showed.
"""

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.replication.cluster import Client, Cluster, Service

SHOWN = 200  # orders on a page, the newest; of older ones a read says nothing
PATIENCE = 60.0  # seconds in which a client repeats what it has no answer to


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


# --- the judge -----------------------------------------------------------------------------


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


# --- the clients ---------------------------------------------------------------------------


class Customer:
    """Places one order after the other and looks at all of them; repeats what it has no answer to."""

    def __init__(self, client: Client, history: History, run: str, *, key: bool = True) -> None:
        self.client, self.history, self.run = client, history, run
        self.key = key  # whether each try carries the same Idempotency-Key
        self.numbers = itertools.count()

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.place()
            self.read()

    def try_to_place(self) -> int:
        """Once; the status."""
        name = f"{self.run}-{self.client.member}-{next(self.numbers)}"
        return self._post(name, {"Idempotency-Key": name})

    def place(self, *, hang_up: bool = False) -> Placed:
        """Until it is answered for good, or patience ends. `hang_up`: the first try hears no answer."""
        name = f"{self.run}-{self.client.member}-{next(self.numbers)}"
        headers = {"Idempotency-Key": name} if self.key else {}
        started, statuses = time.monotonic(), []
        acknowledged = None
        while acknowledged is None and time.monotonic() < started + PATIENCE:
            status = self._post(name, headers)
            statuses.append(0 if hang_up and not statuses else status)
            if statuses[-1] in (200, 201):
                acknowledged = time.monotonic()
            elif 400 <= statuses[-1] < 500 and statuses[-1] not in (409, 429):
                break
            elif statuses[-1]:
                time.sleep(0.1)  # less patient than Retry-After asks for
        order = Placed(self.client.member, name, started, acknowledged, tuple(statuses))
        self.history.placed.append(order)
        return order

    def _post(self, name: str, headers: dict[str, str]) -> int:
        try:
            return self.client.call("POST", "/orders/", headers, product_name=name).status_code
        except requests.RequestException:
            return 0

    def read(self) -> Read:
        started = time.monotonic()
        try:
            answer = self.client.call("GET", f"/orders/?pagination=cursor&limit={SHOWN}")
            status, lost = answer.status_code, "X-Lost-Transactions" in answer.headers
        except requests.RequestException:
            status, lost = 0, False
        names = (order["product_name"] for order in answer.json()["results"]) if status == 200 else ()
        read = Read(self.client.member, started, time.monotonic(), status, tuple(names), lost)
        self.history.reads.append(read)
        return read


class Looker(Customer):
    """A member with nothing pending: only reads."""

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.read()


@dataclass
class Load:
    """Customers who order and customers who only look, of their own for each history."""

    customers: list[Customer]
    lookers: list[Looker]
    history: History
    run: str

    @classmethod
    def on(cls, service: Service, *, customers: int = 3, lookers: int = 2, key: bool = True) -> "Load":
        history, run = History(), f"h{uuid.uuid4().hex[:8]}"

        def member(number: int) -> Client:
            client = Client(service)
            client.register(f"{run}.{number}@example.com").raise_for_status()
            return client

        with ThreadPoolExecutor(4) as pool:
            clients = list(pool.map(member, range(customers + lookers)))
        return cls(
            [Customer(client, history, run, key=key) for client in clients[:customers]],
            [Looker(client, history, run) for client in clients[customers:]],
            history,
            run,
        )

    @contextmanager
    def at_work(self) -> Iterator[History]:
        """They go on until the block ends."""
        stop = threading.Event()
        loops = [*self.customers, *self.lookers]
        with ThreadPoolExecutor(len(loops)) as pool:
            running = [pool.submit(each.work, stop) for each in loops]
            try:
                yield self.history
            finally:
                stop.set()
        for each in running:
            each.result()

    def looked(self) -> list[Read]:
        """Reads of those with nothing pending."""
        members = {looker.client.member for looker in self.lookers}
        return [read for read in self.history.reads if read.member in members]

    def acknowledged_since(self, moment: float) -> bool:
        return any(order.acknowledged > moment for order in self.history.acknowledged())


def pause(dice: random.Random, at_most: float) -> None:
    """When a fault strikes is drawn, not chosen."""
    time.sleep(dice.uniform(0, at_most))  # the draw is the purpose
