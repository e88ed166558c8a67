"""How many statements a request sends to which node, as the servers count them.

Counted by the account of the service, over HTTP, in a service of one thread; its prober looks seldom.
Pings (the health check of a connection to the primary) are no statements, but a round
trip: they are named beside.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import MySQLdb
from django.conf import settings

from scripts.bench.figures import table
from scripts.bench.members import Caller, new_caller
from scripts.bench.service import DEADLINE, Service

REQUESTS = 50
QUIET, STOCK = "scripts.bench.quiet_settings", "scripts.bench.stock_settings"
COUNTS = """
    SELECT REGEXP_SUBSTR(EVENT_NAME, '[^/]+$'), COUNT_STAR
      FROM performance_schema.events_statements_summary_by_account_by_event_name
     WHERE USER = %s AND COUNT_STAR > 0
       AND (EVENT_NAME LIKE 'statement/sql/%%' OR EVENT_NAME = 'statement/com/Ping')
"""
Counts = Counter[tuple[str, str]]  # by alias and kind of statement


class Servers:
    """The administrator's connections to all nodes, for counting what the service's accounts do."""

    def __init__(self) -> None:
        password_file = Path(os.environ["CLUSTER_DIR"]) / "client.cnf"
        self._connections = {
            alias: MySQLdb.connect(
                host=node["HOST"],
                port=int(node["PORT"]),
                read_default_file=str(password_file),
                autocommit=True,
            )
            for alias, node in settings.DATABASES.items()
        }

    def counts(self) -> Counts:
        found: Counts = Counter()
        for alias, connection in self._connections.items():
            with connection.cursor() as cursor:
                cursor.execute(COUNTS, [settings.DATABASES[alias]["USER"]])
                found.update({(alias, kind): int(count) for kind, count in cursor.fetchall()})
        return found

    def caused_by(self, action: Callable[[], Any]) -> Counts:
        before = self.counts()
        action()
        return self.counts() - before


class Session:
    """One caller's requests to one service, counted."""

    def __init__(self, servers: Servers, service: Service, caller: Caller) -> None:
        self.servers, self.service, self.caller = servers, service, caller
        for _ in range(3):  # connections, imports, whose token it is
            self.write()
            self.read()
        self._await_replicas()

    def _await_replicas(self) -> None:
        """A process that starts lets the primary answer until its prober has looked again (routers.store)."""
        deadline = time.monotonic() + DEADLINE
        while self.service.has_replicas and "default" in self._databases():
            if time.monotonic() > deadline:
                raise SystemExit("no replica has answered.")
            time.sleep(0.2)  # between two looks

    def _databases(self) -> str:
        return self.service.call("GET", "/orders/", self.caller.key)[1]

    def read(self) -> None:
        self._call("GET", 200)

    def write(self) -> None:
        self._call("POST", 201, product_name="머그컵")

    def _call(self, method: str, expected: int, **body: str) -> None:
        status, _ = self.service.call(method, "/orders/", self.caller.key, **body)
        if status != expected:
            raise SystemExit(f"{method} /orders/ was answered {status}, not {expected}.")

    def steady_reads(self) -> Counts:
        return self.servers.caused_by(lambda: [self.read() for _ in range(REQUESTS)])

    def writes(self) -> Counts:
        return self.servers.caused_by(lambda: [self.write() for _ in range(REQUESTS)])

    def first_reads(self) -> Counts:
        found: Counts = Counter()
        for _ in range(REQUESTS):
            self.write()
            found += self.servers.caused_by(self.read)
        return found


KINDS: dict[str, Callable[[Session], Counts]] = {
    "read, nothing pending": Session.steady_reads,
    "first read after a write": Session.first_reads,
    "write": Session.writes,
}
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "on": (QUIET, {}),
    "off": (QUIET, {"REPLICA_URLS": ""}),
    "stock Django": (STOCK, {"REPLICA_URLS": ""}),
}


def report() -> None:
    counted = {}
    for variant in VARIANTS:
        with _session(variant) as session:
            counted |= {(kind, variant): count(session) for kind, count in KINDS.items()}
    table(
        f"Statements per request, /orders/ over HTTP (mean of {REQUESTS})",
        ["request", "routing", "primary", "replicas", "sum", "of these"],
        [_row(kind, variant, counted[kind, variant]) for kind in KINDS for variant in VARIANTS],
    )


@contextmanager
def _session(variant: str) -> Iterator[Session]:
    module, environment = VARIANTS[variant]
    with (
        tempfile.TemporaryDirectory(prefix="drf-oms-bench-") as state,
        Service(Path(state), module, **environment) as service,
    ):
        yield Session(Servers(), service, new_caller())


def _row(kind: str, variant: str, counts: Counts) -> list[str]:
    nodes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for (alias, statement), count in counts.items():
        kinds[statement.lower().replace("_option", "")] += count
        if statement != "Ping":
            nodes["primary" if alias == "default" else "replicas"] += count
    of_these = ", ".join(f"{count / REQUESTS:.4g} {statement}" for statement, count in sorted(kinds.items()))
    means = [nodes["primary"] / REQUESTS, nodes["replicas"] / REQUESTS, nodes.total() / REQUESTS]
    return [kind, variant, *[f"{mean:.2f}" for mean in means], of_these]
