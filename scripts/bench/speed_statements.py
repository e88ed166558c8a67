"""How many statements one request of each kind sends, by the servers' own count."""

import http.client
import itertools
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from scripts.bench.service import DEADLINE, Service, Shape
from scripts.bench.speed_data import Data
from scripts.bench.speed_targets import Target
from scripts.bench.statements import QUIET, Servers

REQUESTS, WARMING = 20, 5
Counted = dict[str, tuple[float, float]]  # by target: statements a request, on the primary and on replicas


def counted(state: Path, data: Data, targets: list[Target]) -> Counted:
    """In a service of one thread, whose prober looks seldom. A health check's ping is none."""
    servers = Servers()
    place = state / "counting"
    place.mkdir()
    limits = {"THROTTLE_LOGIN": "1000000/min", "THROTTLE_REGISTER": "1000000/min"}
    with Service(place, QUIET, shape=Shape(), **limits) as service:
        _await_replicas(service, data)
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
    lines = itertools.cycle(list(itertools.islice(target.lines(data), 3)))
    _ask(service, itertools.islice(lines, WARMING))
    counts = servers.caused_by(lambda: _ask(service, itertools.islice(lines, REQUESTS)))
    by_node = {"primary": 0, "replicas": 0}
    for (alias, kind), count in counts.items():
        if kind != "Ping":
            by_node["primary" if alias == "default" else "replicas"] += count
    return by_node["primary"] / REQUESTS, by_node["replicas"] / REQUESTS


def _ask(service: Service, lines: Iterator[str]) -> None:
    for line in lines:
        method, path, key, header, body = line.replace("{unique}", uuid.uuid4().hex).split("\t")
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Token {key}"} if key else {}
        headers |= dict([header.split("=", 1)]) if header else {}
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
        connection.request(method, path, body.encode() or None, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} was answered {answer.status}.")
