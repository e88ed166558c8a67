"""A crowd that orders, reads, logs in and out all at once, and a judge who knows what each must see.

Over HTTP only. By hand, against a running service:

    python -m tests.replication.checker http://127.0.0.1:8080 --operations 2000
"""

import argparse
import copy
import itertools
import math
import os
import random
import statistics
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

KINDS = {
    "stale": "a read shows less than was acknowledged when it started",
    "backwards": "a read shows less than a read of that member which had ended before it started",
    "resurrected": "a token whose revocation was acknowledged gets something other than 401",
    "false_401": "a valid token gets 401",
    "server_error": "a status of 500 or more that the caller does not tolerate",
    "failed": "no answer: refused, reset, timed out",
    "unexpected": "any other answer that this request cannot have",
}
QUIET_SECONDS = 0.2  # after so long without a write, a read counts as ungated
IDLE_SECONDS = 1.0  # gunicorn drops an idle connection after two; a request must not meet that
REQUESTS_PER_CONNECTION = 30  # then a new one, which may reach the other worker process
TIMEOUT = 30.0

# How often a member does what. A log-in costs the service a third of a second of CPU.
HABITS = {"read": 40, "place": 14, "rename": 12, "visit": 12, "browse": 2, "try_revoked": 2}
SESSION_HABITS = {"log_out": 0.5, "log_out_everywhere": 0.15}


# --- what must be seen ---------------------------------------------------------------------


@dataclass
class Floor:
    """The least that a read must show: a version of each order (by id), and how many there are."""

    versions: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def copy(self) -> "Floor":
        return Floor(dict(self.versions), self.count)

    def rise(self, versions: dict[int, int], count: int = 0) -> None:
        for order, version in versions.items():
            self.versions[order] = max(version, self.versions.get(order, 0))
        self.count = max(self.count, count, len(self.versions))


@dataclass(frozen=True)
class Shown:
    """What an answer shows of a member's orders: all those with ids from `first` to `last`."""

    versions: dict[int, int]
    first: float = 0
    last: float = math.inf
    count: int | None = None

    def lacks(self, floor: Floor) -> list[str]:
        """What it shows less of than the floor, in words."""
        found = [
            f"order {order}: version {self.versions.get(order, 'none')} instead of {version}"
            for order, version in floor.versions.items()
            if self.first <= order <= self.last and self.versions.get(order, -1) < version
        ]
        if self.count is not None and self.count < floor.count:
            found.append(f"{self.count} orders instead of {floor.count}")
        return found


class Ledger:
    """What one member must see: what was acknowledged, and what their reads have shown."""

    def __init__(self) -> None:
        self.acknowledged, self.seen = Floor(), Floor()
        self._lock = threading.Lock()

    def acknowledge(self, order: int, version: int) -> None:
        """A write of this was answered."""
        with self._lock:
            self.acknowledged.rise({order: version})

    def begin(self) -> tuple[Floor, Floor]:
        """A read starts: what it must show (for `stale`, for `backwards`)."""
        with self._lock:
            return self.acknowledged.copy(), self.seen.copy()

    def judge(self, begun: tuple[Floor, Floor], shown: Shown) -> dict[str, str]:
        """The read has ended: what is wrong with it, by kind."""
        with self._lock:
            self.seen.rise(shown.versions, shown.count or 0)
        lacking = zip(("stale", "backwards"), map(shown.lacks, begun), strict=True)
        return {kind: "; ".join(lacks[:3]) for kind, lacks in lacking if lacks}


@dataclass
class Token:
    """A token and the moments (`time.monotonic`) at which its log-out was sent and answered."""

    key: str
    revoking: float = math.inf
    revoked: float = math.inf

    def judge(self, started: float, ended: float, status: int) -> str | None:
        """The kind of violation in this answer; between sending and answer of the log-out both are right."""
        if status != 401 and self.revoked <= started:
            return "resurrected"
        if status == 401 and ended <= self.revoking:
            return "false_401"
        return None


def version_in(order: dict[str, Any]) -> int:
    """0 for an order that somebody else has placed as this member."""
    version = order["product_name"].rpartition("Mug #")[2]
    return int(version) if version.isdigit() else 0


def shown_in_order(order_id: int, body: dict[str, Any]) -> Shown:
    """One order, or the sentence that comes with a 404."""
    return Shown({body["id"]: version_in(body)} if "id" in body else {}, first=order_id, last=order_id)


def shown_in_list(body: dict[str, Any]) -> Shown:
    """A page, newest first: nothing is said about what is older than its last row, if there is more."""
    versions = {order["id"]: version_in(order) for order in body["results"]}
    return Shown(versions, first=min(versions) if body["next"] else 0, count=body["count"])


def shown_in_member(body: dict[str, Any]) -> Shown:
    """`last_order`: no order is newer."""
    order = (body["results"][0] if "results" in body else body)["last_order"]
    return Shown({order["id"]: version_in(order)}, first=order["id"]) if order else Shown({})


# --- what has happened ---------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """One request and what came back; status 0 is no answer."""

    method: str
    path: str
    status: int
    started: float
    ended: float
    databases: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    @property
    def by_replicas_alone(self) -> bool:
        return bool(self.databases) and "default" not in self.databases


class Result:
    """The verdict, and what was measured; it fills while the crowd is at work. Operations are requests."""

    def __init__(self) -> None:
        self.violations: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.answers: list[Answer] = []
        self.reads: Counter[str] = Counter()
        self.gated: list[float] = []
        self.ungated: list[float] = []
        self.started = self.ended = time.monotonic()

    @property
    def operations(self) -> int:
        return len(self.answers)

    @property
    def found(self) -> dict[str, int]:
        """How many violations of each kind, where there are any."""
        return {kind: len(examples) for kind, examples in self.violations.items() if examples}

    @property
    def replica_share(self) -> float:
        """The part of the successful reads that replicas answered alone."""
        by_replicas = sum(n for aliases, n in self.reads.items() if aliases and "default" not in aliases)
        return by_replicas / max(1, self.reads.total())

    def slower_than(self, seconds: float) -> list[Answer]:
        return [answer for answer in self.answers if answer.seconds > seconds]

    def wait_for(self, *, operations: int = 0, seconds: float = 0, at_most: float = 120) -> None:
        """Until so many operations more are done and so much time has passed; at most `at_most` seconds."""
        began, target = time.monotonic(), self.operations + operations
        while (passed := time.monotonic() - began) < at_most:
            if self.operations >= target and passed >= seconds:
                return
            time.sleep(0.02)  # between two looks

    def table(self) -> str:
        seconds = max(self.ended - self.started, 1e-9)
        lines = [f"{self.operations} operations in {seconds:.1f} s, {self.operations / seconds:.0f} a second"]
        for kind, meaning in KINDS.items():
            lines.append(f"  {kind:<13} {len(self.violations[kind]):>5}  {meaning}")
            lines += [f"                       - {example}" for example in self.violations[kind][:3]]
        lines.append(f"reads by answering node ({self.replica_share:.1%} by replicas alone)")
        lines += [f"  {aliases or '(not told)':<28} {n:>6}" for aliases, n in self.reads.most_common()]
        lines.append("reading one order on a replica, in ms           median     p95       n")
        for name, values in (("first after a write", self.gated), ("nothing written lately", self.ungated)):
            lines.append(f"  {name:<43} {_ms(median(values))} {_ms(p95(values))} {len(values):>7}")
        return "\n".join(lines)


def median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else math.nan


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:>8.1f}"


# --- the way to the service ----------------------------------------------------------------


class Line:
    """One thread's connection to the service: kept alive, renewed now and then, without cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: requests.Session | None = None
        self._used, self._used_at = 0, 0.0

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def send(
        self, method: str, path: str, key: str | None = None, json: Any = None
    ) -> tuple[Answer, requests.Response | None]:
        headers = {"Authorization": f"Token {key}"} if key else {}
        session, response, databases = self._ready(), None, ""
        started = time.monotonic()
        try:
            response = session.request(method, self.url + path, json=json, headers=headers, timeout=TIMEOUT)
            databases = response.headers.get("X-Database", "")
        except requests.RequestException as error:
            path = f"{path} ({error!r:.120})"
            self.close()
        ended = self._used_at = time.monotonic()
        status = 0 if response is None else response.status_code
        aliases = tuple(alias for alias in databases.split(", ") if alias)
        return Answer(method, path, status, started, ended, aliases), response

    def _ready(self) -> requests.Session:
        self._used += 1
        stale = time.monotonic() - self._used_at > IDLE_SECONDS
        if self._session is None or stale or self._used > REQUESTS_PER_CONNECTION:
            self.close()
            self._session, self._used = requests.Session(), 0
            self._session.trust_env = False
        self._session.cookies.clear()
        return self._session


# --- the crowd -----------------------------------------------------------------------------


class Person:
    """A member with two devices, as the crowd knows them."""

    password = "Correct-horse-7"

    def __init__(self, email: str) -> None:
        self.email = email
        self.id = 0
        self.ledger = Ledger()
        self.devices: list[Token] = []
        self.revoked: list[Token] = []
        self.numbers: dict[int, str] = {}  # order number by id, of acknowledged orders
        self.writing = threading.Lock()  # one write at a time, so that versions have an order
        self.versions = itertools.count(1)
        self.wrote_at = -math.inf
        self.has_written = False  # since the latest read started

    def note_write(self) -> None:
        self.wrote_at, self.has_written = time.monotonic(), True

    def take_gate(self) -> str | None:
        """Which of the two latencies a read that starts now belongs to."""
        gate = "ungated" if time.monotonic() - self.wrote_at > QUIET_SECONDS else None
        gate = "gated" if self.has_written else gate
        self.has_written = False
        return gate


class Actor:
    """One thread: a way to the service, a dice, and a place to note what happens."""

    def __init__(self, line: Line, dice: random.Random, result: Result, tolerate: Collection[int]) -> None:
        self.line, self.dice, self.result, self.tolerate = line, dice, result, tolerate

    def accuse(self, kind: str, answer: Answer, why: str = "") -> None:
        databases = ", ".join(answer.databases) or "-"
        said = f"{answer.method} {answer.path} -> {answer.status} [{databases}] {why}"
        self.result.violations[kind].append(said.strip())

    def call(
        self, method: str, path: str, token: Token | None, allowed: Collection[int], **body: Any
    ) -> tuple[Answer, Any]:
        """The answer and its body, which is None unless the status is one of those allowed."""
        answer, response = self.line.send(method, path, token and token.key, body or None)
        self.result.answers.append(answer)
        if response is None:
            self.accuse("failed", answer)
        elif answer.status >= 500:
            if answer.status not in self.tolerate:
                self.accuse("server_error", answer, response.text[:200])
        elif token and (kind := token.judge(answer.started, answer.ended, answer.status)):
            self.accuse(kind, answer)
        elif answer.status in allowed:
            return answer, response.json() if response.content else {}
        elif answer.status != 401 or token is None:
            self.accuse("unexpected", answer, response.text[:200])
        return answer, None

    # --- reading

    def read(self, person: Person, token: Token, order: int | None = None) -> None:
        """Anything that shows orders; where an order is named, anything that shows this one."""
        ways = [self.read_list, self.read_member, self.read_order]
        way = self.dice.choices(ways, weights=(2, 2, 5))[0]
        if way == self.read_order:
            self.read_order(person, token, order)
        else:
            way(person, token)

    def read_list(self, person: Person, token: Token) -> None:
        begun, _ = person.ledger.begin(), person.take_gate()
        answer, body = self.call("GET", "/orders/", token, {200})
        if body is not None:
            self.judge(person.ledger, begun, answer, shown_in_list(body))

    def read_member(self, person: Person, token: Token) -> None:
        path = self.dice.choice([f"/accounts/users/{person.id}", "/accounts/users"])
        begun, _ = person.ledger.begin(), person.take_gate()
        answer, body = self.call("GET", path, token, {200})
        if body is not None:
            self.judge(person.ledger, begun, answer, shown_in_member(body))

    def read_order(self, person: Person, token: Token, order: int | None = None) -> None:
        order = order or self.some_order(person)
        if order is None:
            return self.read_list(person, token)
        path = f"/orders/{self.dice.choice([order, person.numbers[order]])}"
        begun, gate = person.ledger.begin(), person.take_gate()
        answer, body = self.call("GET", path, token, {200, 404})
        if body is not None:
            self.judge(person.ledger, begun, answer, shown_in_order(order, body))
            if gate and answer.by_replicas_alone:
                getattr(self.result, gate).append(answer.seconds)
        return None

    def judge(self, ledger: Ledger, begun: tuple[Floor, Floor], answer: Answer, shown: Shown) -> None:
        self.result.reads[", ".join(answer.databases)] += 1
        for kind, why in ledger.judge(begun, shown).items():
            self.accuse(kind, answer, why)

    def some_order(self, person: Person) -> int | None:
        """Mostly one of the newest."""
        orders = sorted(person.numbers.copy(), reverse=True)
        return orders[min(int(self.dice.expovariate(0.3)), len(orders) - 1)] if orders else None

    # --- writing

    def rename_order(self, person: Person, token: Token, order: int) -> int | None:
        """A new version of the order; its number, where the service has acknowledged it."""
        with person.writing:
            version = next(person.versions)
            person.note_write()
            name = f"Mug #{version}"
            answer, body = self.call("PATCH", f"/orders/{order}", token, {200, 404}, product_name=name)
            if body is None:
                return None
            if answer.status == 404:
                self.accuse("stale", answer, "the order to be changed was acknowledged")
                return None
            person.ledger.acknowledge(order, version)
            person.note_write()
        return version


class MemberActor(Actor):
    """A member at two devices, who also looks in at a neighbour's: reads of one member overlap."""

    def __init__(self, person: Person, neighbour: Person, *rest: Any, sessions: bool) -> None:
        super().__init__(*rest)
        self.person, self.neighbour = person, neighbour
        self.habits = {**HABITS, **(SESSION_HABITS if sessions else {})}

    def act(self) -> None:
        while len(self.person.devices) < 2:
            if not self.log_in():
                return
        [habit] = self.dice.choices([*self.habits], weights=[*self.habits.values()])
        getattr(self, f"do_{habit}")()

    def two_devices(self) -> list[Token]:
        return self.dice.sample(self.person.devices, 2)

    def do_read(self) -> None:
        self.read(self.person, self.dice.choice(self.person.devices))

    def do_browse(self) -> None:
        """Reading for a while without writing, for longer than QUIET_SECONDS."""
        one, other = self.two_devices()
        for _ in range(40):
            self.read_order(self.person, self.dice.choice([one, other]))

    def do_visit(self) -> None:
        devices = self.neighbour.devices.copy()
        if devices:
            self.read(self.neighbour, self.dice.choice(devices))

    def do_place(self) -> None:
        writer, reader = self.two_devices()
        order = self.place_order(writer)
        if order is not None:
            self.read(self.person, reader, order)
            self.read(self.person, writer, order)

    def do_rename(self) -> None:
        order = self.some_order(self.person)
        if order is None:
            return self.do_place()
        writer, reader = self.two_devices()
        if self.rename_order(self.person, writer, order):
            self.read_order(self.person, reader, order)
        return None

    def do_try_revoked(self) -> None:
        if self.person.revoked:
            self.call("GET", "/orders/", self.dice.choice(self.person.revoked[-4:]), ())

    def place_order(self, token: Token) -> int | None:
        """Its id, where the service has acknowledged it."""
        person = self.person
        with person.writing:
            version = next(person.versions)
            order = {"product_name": f"Mug #{version}"}
            if self.dice.random() < 0.5:
                order["order_number"] = uuid.uuid4().hex[:12].upper()
            person.note_write()
            _, body = self.call("POST", "/orders/", token, {201}, **order)
            if body is None:
                return None
            person.numbers[body["id"]] = body["order_number"]
            person.ledger.acknowledge(body["id"], version)
            person.note_write()
        return body["id"]

    # --- sessions

    def do_log_out(self) -> None:
        gone, other = self.two_devices()
        self.revoke("/auth/logout", gone, [gone])
        self.read(self.person, other)
        if self.log_in():
            self.read(self.person, self.person.devices[-1])

    def do_log_out_everywhere(self) -> None:
        self.revoke("/auth/logoutall", self.person.devices[0], self.person.devices.copy())
        if self.log_in():
            self.read(self.person, self.person.devices[-1])

    def revoke(self, path: str, token: Token, meant: list[Token]) -> None:
        """Log out; the tokens are refused from then on. Without an answer nobody knows: they are dropped."""
        person = self.person
        person.note_write()
        for each in meant:
            each.revoking = time.monotonic()
        answer, body = self.call("POST", path, token, {204})
        for each in meant:
            person.devices.remove(each)
            if body is not None:
                each.revoked = answer.ended
                person.revoked.append(each)
        person.note_write()
        if body is not None:
            for each in meant:
                self.call("GET", "/orders/", each, ())

    def log_in(self) -> bool:
        """One more device, if the service answers."""
        person = self.person
        while True:
            person.note_write()
            credentials = {"email": person.email, "password": person.password}
            answer, body = self.call("POST", "/auth/login", None, {200, 429}, **credentials)
            if answer.status != 429:
                break
            time.sleep(1)  # the service counts log-ins by the minute
        if body is not None:
            person.devices.append(Token(body["token"]))
            person.note_write()
        return body is not None


class StaffActor(Actor):
    """Somebody of the staff who changes members' orders, after which those members read."""

    def __init__(self, token: Token, people: list[Person], *rest: Any) -> None:
        super().__init__(*rest)
        self.token, self.people, self.ledger = token, people, Ledger()

    def act(self) -> None:
        person = self.dice.choice(self.people)
        order, devices = self.some_order(person), person.devices.copy()
        if order is None or not devices:
            return self.read_as_staff(None)
        version = self.rename_order(person, self.token, order)
        if version is not None:
            self.ledger.acknowledge(order, version)
            self.read_order(person, self.dice.choice(devices), order)
            self.read_as_staff(order)
        return None

    def read_as_staff(self, order: int | None) -> None:
        """Staff must see what they wrote; about what others write to all the orders nothing is promised."""
        acknowledged, _ = self.ledger.begin()
        path = f"/orders/{order}" if order else "/orders/?limit=1"
        answer, body = self.call("GET", path, self.token, {200, 404})
        if body is not None and order:
            shown = shown_in_order(order, body)
            self.judge(self.ledger, (acknowledged, Floor()), answer, shown)


class Crowd:
    """Members (and somebody of the staff) who use the service at `url` at once.

    staff: email and password of a staff member; without it there is none.
    tolerate: statuses of 500 and more that are no violation, such as 503 while the primary is down.
    sessions: whether they log out and in, which costs the service CPU.
    """

    def __init__(
        self,
        url: str,
        *,
        members: int = 8,
        seed: int = 1,
        staff: tuple[str, str] | None = None,
        tolerate: Collection[int] = (),
        sessions: bool = True,
    ) -> None:
        self.url, self.seed, self.staff = url, seed, staff
        self.tolerate, self.sessions = tolerate, sessions
        self.runs = itertools.count()
        run = uuid.uuid4().hex[:10]
        with ThreadPoolExecutor(4) as pool:
            self.people = list(pool.map(self._join, [f"c{n}.{run}@example.com" for n in range(members)]))
            self.staff_token = self._sign_in("/auth/login", *staff)[0] if staff else None

    def part(self, members: int, **changed: Any) -> "Crowd":
        """The first so many of them, with another `url`, `staff_token`, `tolerate` or `sessions`."""
        part = copy.copy(self)
        part.people = self.people[:members]
        vars(part).update(changed)
        return part

    def _join(self, email: str) -> Person:
        person = Person(email)
        details = {"name": "김하늘", "nickname": "haneul", "phone": "01012345678"}
        first, person.id = self._sign_in("/accounts/users", email, person.password, **details)
        second, _ = self._sign_in("/auth/login", email, person.password)
        person.devices = [first, second]
        return person

    def _sign_in(self, path: str, email: str, password: str, **details: str) -> tuple[Token, int]:
        line, body = Line(self.url), {"email": email, "password": password, **details}
        deadline = time.monotonic() + 90  # throttles count by the minute
        answer, response = line.send("POST", path, json=body)
        while answer.status == 429 and time.monotonic() < deadline:
            time.sleep(1)
            answer, response = line.send("POST", path, json=body)
        line.close()
        if response is None or not response.ok:
            raise RuntimeError(f"{path}: {answer} {response.text if response is not None else ''}")
        return Token(response.json()["token"]), response.json()["user"]["id"]

    @contextmanager
    def at_work(self) -> Iterator[Result]:
        """They begin, and go on until the block ends."""
        result, stop = Result(), threading.Event()
        actors = self._actors(result)
        with ThreadPoolExecutor(len(actors)) as pool:
            running = [pool.submit(self._work, actor, stop) for actor in actors]
            try:
                yield result
            finally:
                stop.set()
        result.ended = time.monotonic()
        for each in running:
            each.result()  # raises what went wrong in the checker itself

    def run(self, *, operations: int, seconds: float = 90) -> Result:
        """Until so many operations are done, or so many seconds have passed."""
        with self.at_work() as result:
            result.wait_for(operations=operations, at_most=seconds)
        return result

    def _actors(self, result: Result) -> list[Actor]:
        run = next(self.runs)

        def rest(name: str) -> tuple[Line, random.Random, Result, Collection[int]]:
            dice = random.Random(f"{self.seed} {run} {name}")
            return Line(self.url), dice, result, self.tolerate

        neighbours = [*self.people[1:], self.people[0]]
        actors: list[Actor] = [
            MemberActor(person, neighbour, *rest(str(number)), sessions=self.sessions)
            for number, (person, neighbour) in enumerate(zip(self.people, neighbours, strict=True))
        ]
        if self.staff_token:
            actors.append(StaffActor(self.staff_token, self.people, *rest("staff")))
        return actors

    @staticmethod
    def _work(actor: Any, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                actor.act()
        finally:
            actor.line.close()


# --- by hand -------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="Looks for stale answers; exits with 1 when it finds any.")
    parser.add_argument("url")
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=90, help="at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--staff-email", default=os.environ.get("STAFF_EMAIL", "staff@example.com"))
    parser.add_argument("--staff-password-file", type=Path, default=Path("var/staff-password"))
    chosen = parser.parse_args()
    password = os.environ.get("STAFF_PASSWORD") or (
        chosen.staff_password_file.read_text().strip() if chosen.staff_password_file.is_file() else None
    )
    staff = (chosen.staff_email, password) if password else None
    crowd = Crowd(chosen.url.rstrip("/"), members=chosen.members, seed=chosen.seed, staff=staff)
    result = crowd.run(operations=chosen.operations, seconds=chosen.seconds)
    sys.stdout.write(result.table() + ("" if staff else "\nwithout staff: no STAFF_PASSWORD") + "\n")
    return 1 if result.found else 0


if __name__ == "__main__":
    sys.exit(main())
