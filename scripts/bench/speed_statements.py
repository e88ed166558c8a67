"""How many statements one request of each kind sends, by the servers' own count."""

import http.client
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from scripts.bench.figures import table
from scripts.bench.service import DEADLINE, Service
from scripts.bench.speed_data import Data
from scripts.bench.speed_targets import PLACED, Target, line
from scripts.bench.statements import QUIET, Counts, Servers

REQUESTS = 40
Counted = dict[str, tuple[float, float]]  # by target: statements a request, on the primary and on replicas


def counted(state: Path, data: Data, targets: list[Target]) -> Counted:
    """In a service of one thread, whose prober looks seldom. A health check's ping is none.

    Beside it, in a table of its own, what a load of 95 % reads sends to which node.
    """
    servers = Servers()
    place = state / "counting"
    place.mkdir()
    with Service(place, QUIET) as service:
        _await_replicas(service, data)
        _report_mix(data, service, servers)
        return {
            target.name: _of(target, data, service, servers) for target in targets if target.rival == "floor"
        }


def _await_replicas(service: Service, data: Data) -> None:
    """A process that starts lets the primary answer until its prober has looked again (routers.store)."""
    deadline = time.monotonic() + DEADLINE
    while "default" in service.call("GET", "/orders/", data.key_of(data.first))[1]:
        if time.monotonic() > deadline:
            raise SystemExit("no replica has answered.")
        time.sleep(0.2)  # between two looks


def _of(target: Target, data: Data, service: Service, servers: Servers) -> tuple[float, float]:
    lines = list(itertools.islice(itertools.cycle(target.lines(data)), REQUESTS))
    counts = _caused_by(lines, service, servers)
    primary = sum(count for (alias, _), count in counts.items() if alias == "default")
    return primary / REQUESTS, (counts.total() - primary) / REQUESTS


def _caused_by(lines: list[str], service: Service, servers: Servers) -> Counts:
    _ask(service, lines[:5])  # connections, imports
    counts = servers.caused_by(lambda: _ask(service, lines))
    return Counter({key: count for key, count in counts.items() if key[1] != "Ping"})


def _report_mix(data: Data, service: Service, servers: Servers) -> None:
    """Of 200 requests one in twenty places an order; every member asks twice, so that some read their own."""
    members = [member for member in data.members()[:100] for _ in range(2)]
    lines = [
        line("POST", "/orders/", data.key_of(member), body=PLACED)
        if number % 20 == 0
        else line("GET", "/orders/", data.key_of(member))
        for number, member in enumerate(members)
    ]
    counts = _caused_by(lines, service, servers)
    table(
        "Statements by node, 190 histories and 10 new orders",
        ["", "SELECT", "share", "all", "share"],
        [_share(alias, counts) for alias in settings.DATABASES],
    )


def _share(alias: str, counts: Counts) -> list[str]:
    cells = []
    for kinds in ({"select"}, {kind for _, kind in counts}):
        of_kind = Counter({key: count for key, count in counts.items() if key[1] in kinds})
        mine = sum(count for (node, _), count in of_kind.items() if node == alias)
        cells += [f"{mine}", f"{mine / of_kind.total():.0%}"]
    return ["primary" if alias == "default" else alias, *cells]


def _ask(service: Service, lines: Iterable[str]) -> None:
    for asked in lines:
        method, path, key, header, body = asked.replace("{unique}", uuid.uuid4().hex).split("\t")
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Token {key}"} if key else {}
        headers |= dict(pair.split("=", 1) for pair in header.split("|") if pair)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
        connection.request(method, path, body.encode() or None, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} was answered {answer.status}.")
