"""Nodes that die, freeze or refuse under load: what the service promises while they are away and after.

`LONG_FAULTS=1` makes each outage five times as long.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
import requests

from tests.replication.checker import Answer, Crowd, Line, Result
from tests.replication.cluster import REPLICAS, Client, Service, databases, wait_until

pytestmark = pytest.mark.cluster

LENGTH = 5 if os.environ.get("LONG_FAULTS") == "1" else 1
OUTAGE = 5 * LENGTH  # seconds
BACK_WITHIN = 5  # seconds after a replica accepts connections and has caught up
FOUND_OUT = 3  # seconds after which each process knows that a node does not answer
BUSY = 5  # members of the crowd who make the load; the others write nothing


@pytest.fixture(autouse=True)
def cluster_is_whole_again(cluster):
    """Each fault ends with its block; here the replicas catch up before the next test."""
    yield
    cluster.wait_for_replicas()


@pytest.fixture
def load(crowd) -> Crowd:
    """Without log-ins: a hash takes longer than some of what is measured here."""
    return crowd.part(BUSY, sessions=False)


class Watcher:
    """Reads of a member who writes nothing."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def reads(self) -> list[str]:
        """Asks once; who has answered, and nobody unless it was answered with 200."""
        try:
            answer = self.client.call("GET", "/orders/")
        except requests.RequestException:
            return []
        return databases(answer) if answer.status_code == 200 else []

    def is_settled(self) -> bool:
        """Nothing is pending: replicas answer alone."""
        aliases = self.reads()
        return bool(aliases) and set(aliases) <= set(REPLICAS)


@pytest.fixture(scope="module")
def watchers(cluster, service, crowd) -> list[Watcher]:
    cluster.wait_for_replicas()
    wait_until(service.has_all_in_service, what="all nodes are in service after earlier tests")
    quiet = crowd.people[BUSY:]
    watchers = [Watcher(Client(service, token.key)) for person in quiet for token in person.devices]
    for watcher in watchers:
        wait_until(watcher.is_settled, what="a member who writes nothing is answered by replicas")
    return watchers


@pytest.fixture(scope="module")
def watcher(service, watchers, new_email) -> Watcher:
    """One whom replica1 answers. Which one that is, is the router's choice."""
    for each in watchers:
        if each.reads() == ["replica1"]:
            return each
    for _ in range(12):
        client = Client(service)
        client.register(new_email()).raise_for_status()
        each = Watcher(client)
        wait_until(each.is_settled, what="a new member is answered by replicas")
        if each.reads() == ["replica1"]:
            return each
    raise AssertionError("replica1 answers none of many members")


def work_through(fault, cluster, load, watcher) -> Result:
    """The load before, during and after a fault of replica1, and the claims that hold for each such fault."""
    with load.at_work() as result:
        result.wait_for(operations=50)
        with fault:
            result.wait_for(operations=150, seconds=OUTAGE, at_most=OUTAGE + 40)
            meanwhile = watcher.reads()
        cluster.wait_for_replicas()
        accepted_and_caught_up = time.monotonic()
        with suppress(AssertionError):  # what the load has met comes first
            wait_until(lambda: watcher.reads() == ["replica1"], what="back in service")
        back_after = time.monotonic() - accepted_and_caught_up
        result.wait_for(operations=50)
    print(f"\nback after {back_after:.1f} s; {result.table()}")  # noqa: T201 - shown when it fails

    assert result.found == {}
    assert any("replica1" in answer.databases for answer in result.answers), "it never had any load"
    assert meanwhile, "the member was not answered"
    assert meanwhile[-1] != "replica1", "there was no fault"
    assert back_after < BACK_WITHIN
    return result


# --- a replica -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_replica_that_refuses_costs_no_request_and_comes_back(cluster, load, watcher, how):
    """Killed, or stopped in good order: its members are answered by others, and then by it again."""
    work_through(cluster.down("replica1", how=how), cluster, load, watcher)


def test_a_replica_that_never_answers_costs_what_was_in_flight_one_wait(cluster, load, watcher):
    """Its kernel accepts connections and takes statements; nobody is there to answer.

    Who was waiting for it when it froze waits until the prober has found that out, which takes a probe
    to start and one to time out; whoever asks after that does not.
    """
    began = []

    @contextmanager
    def frozen() -> Iterator[None]:
        with cluster.frozen("replica1"):
            began.append(time.monotonic())
            yield

    result = work_through(frozen(), cluster, load, watcher)

    slow = result.slower_than(1.5)
    assert len(slow) <= BUSY, slow  # one request of each member can be in flight
    assert [answer for answer in slow if answer.started > began[0] + FOUND_OUT] == []
    assert result.slower_than(OUTAGE * 0.9) == [], "somebody waited until it came back"


# --- the primary ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """One request to place an order, and what came back."""

    name: str
    number: str | None
    answer: Answer
    response: requests.Response | None


class Shopper:
    """Places one order after the other. With a number of its own it tries again after a 503."""

    def __init__(self, url: str, key: str, run: str) -> None:
        self.line, self.key, self.run = Line(url), key, run
        self.attempts: list[Attempt] = []

    def shop(self, stop: threading.Event) -> None:
        tried_before = False
        while not stop.is_set():
            if not tried_before:
                number = uuid.uuid4().hex[:12].upper() if len(self.attempts) % 2 else None
                name = f"{self.run} {uuid.uuid4().hex}"
            attempt = self.place(name, number)
            refused = attempt.answer.status == 503
            tried_before = refused and number is not None
            if refused:
                stop.wait(0.2)  # less patient than Retry-After asks for
        self.line.close()

    def place(self, name: str, number: str | None) -> Attempt:
        order = {"product_name": name, **({"order_number": number} if number else {})}
        attempt = Attempt(name, number, *self.line.send("POST", "/orders/", self.key, order))
        self.attempts.append(attempt)
        return attempt

    def has_placed_since(self, moment: float) -> bool:
        return any(a.answer.status == 201 and a.answer.started > moment for a in self.attempts)


class Reader:
    """Reads as a member with nothing pending, on and on."""

    def __init__(self, url: str, watcher: Watcher) -> None:
        self.line, self.key = Line(url), watcher.client.token
        self.answers: list[Answer] = []

    def look(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for path in ("/orders/", "/accounts/users"):
                answer, _ = self.line.send("GET", path, self.key)
                self.answers.append(answer)
        self.line.close()


@contextmanager
def at_once(*loops):
    """All these run until the block ends."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(loops)) as pool:
        running = [pool.submit(loop, stop) for loop in loops]
        try:
            yield
        finally:
            stop.set()
    for each in running:
        each.result()


def is_proper_refusal(response: requests.Response | None) -> bool:
    """503, when to come back, and a sentence."""
    return (
        response is not None
        and response.status_code == 503
        and int(response.headers.get("Retry-After", 0)) > 0
        and bool(response.json().get("detail"))
    )


def stored(cluster, run: str) -> Counter:
    """How often each order of the run is on the primary, by name and by number."""
    sql = f"SELECT product_name, order_number FROM oms.orders_order WHERE product_name LIKE '{run} %'"
    rows = [row.split("\t") for row in cluster.query("primary", sql).splitlines()]
    return Counter(value for row in rows for value in row)


def refusals_of_other_writes(url: str, shopper: Shopper, order: int, email: str) -> list[Attempt]:
    """One of each kind of write besides placing an order."""
    writes = [
        ("PATCH", f"/orders/{order}", shopper.key, {"product_name": f"{shopper.run} changed"}),
        ("POST", "/auth/logout", shopper.key, None),
        ("POST", "/auth/login", None, {"email": email, "password": Client.password}),
    ]
    line = Line(url)
    attempts = [Attempt(write[1], None, *line.send(*write)) for write in writes]
    line.close()
    return attempts


def test_without_the_primary_reads_go_on_and_writes_are_refused_at_once(cluster, service, crowd, watchers):
    """And afterwards all goes on by itself; what was acknowledged is there exactly once."""
    run = f"outage-{uuid.uuid4().hex[:8]}"
    people = crowd.people[:4]
    shoppers = [Shopper(service.url, person.devices[0].key, run) for person in people]
    readers = [Reader(service.url, watcher) for watcher in watchers[:2]]
    order = shoppers[0].place(f"{run} first", None).response.json()["id"]
    for watcher in watchers:
        wait_until(watcher.is_settled, what="a member who writes nothing is answered by replicas")

    with at_once(*[s.shop for s in shoppers], *[r.look for r in readers]):
        began = time.monotonic()
        wait_until(lambda: all(s.has_placed_since(began) for s in shoppers), what="each has placed an order")
        with cluster.down("primary", how="kill"):
            down = time.monotonic()
            others = refusals_of_other_writes(service.url, shoppers[0], order, people[0].email)
            wait_until(lambda: time.monotonic() - down > OUTAGE, what="the outage", seconds=OUTAGE + 1)
            up = time.monotonic()
        back = time.monotonic()
        wait_until(lambda: all(s.has_placed_since(back) for s in shoppers), what="writes go on")

    answers = [answer for reader in readers for answer in reader.answers]
    assert {answer.status for answer in answers} == {200}, Counter(a.status for a in answers)
    assert sum(down < answer.started < up for answer in answers) > 20

    attempts = [attempt for shopper in shoppers for attempt in shopper.attempts]
    refused = [a for a in attempts if down < a.answer.started and a.answer.ended < up] + others
    assert len(refused) > 20
    assert [a for a in refused if not is_proper_refusal(a.response)] == []
    assert [a for a in refused if a.answer.seconds > 2] == []
    # 200: an order that a 503 had left in doubt was there already when it was tried again.
    other = [a for a in attempts if a.answer.status not in (200, 201, 503)]
    assert other == [], [a.response is not None and a.response.text for a in other]

    count = stored(cluster, run)
    acknowledged = [a for a in attempts if a.answer.status in (200, 201)]
    assert [a.name for a in acknowledged if count[a.name] != 1] == []
    assert [a.number for a in acknowledged if a.number and count[a.number] != 1] == []
    assert [name for name, times in count.items() if times > 1] == []


# --- the store of positions ----------------------------------------------------------------


class Redis:
    """A private Redis or Valkey that keeps nothing on disk."""

    def __init__(self, directory) -> None:
        self.program = shutil.which("valkey-server") or shutil.which("redis-server")
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.directory / "redis.log").open("a") as log:
            self.process = subprocess.Popen(
                [self.program, *words], cwd=self.directory, stdout=log, stderr=log
            )
        wait_until(self.answers, what="Redis answers")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        with suppress(OSError):
            return self.keys() >= 0
        return False

    def keys(self) -> int:
        """How many keys it holds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"DBSIZE\r\n")
            return int(connection.recv(100).decode().strip().removeprefix(":"))


@pytest.fixture
def redis(tmp_path):
    redis = Redis(tmp_path)
    if redis.program is None:
        message = "neither valkey-server nor redis-server is on PATH: apt-get install redis-server"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    redis.start()
    yield redis
    redis.kill()


def test_without_redis_nothing_fails_and_nothing_is_stale(cluster, tmp_path, crowd, redis):
    """Redis dies and comes back empty, while both replicas are a second late: what it has forgotten shows."""
    with Service(tmp_path, CACHE_URL=redis.url) as service:
        load = crowd.part(BUSY, url=service.url)
        with cluster.delayed(1), load.at_work() as result:
            result.wait_for(operations=100)
            wait_until(redis.keys, what="the service keeps positions in Redis", seconds=10)
            redis.kill()
            result.wait_for(operations=150, seconds=OUTAGE)
            redis.start()
            wait_until(redis.keys, what="the service keeps positions in Redis again", seconds=20)
            result.wait_for(operations=150, seconds=2)
    print(f"\n{result.table()}")  # noqa: T201 - shown by pytest -s, and when it fails

    assert result.found == {}
