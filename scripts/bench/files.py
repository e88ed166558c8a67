"""`scripts/bench.sh export`: a file of many orders out of the service and into it, and the memory it takes.

One worker with one thread; its peak is VmHWM of /proc/PID/status, which never goes down.
"""

import csv
import os
import re
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from scripts.bench.figures import say, table
from scripts.bench.service import Service
from scripts.bench.state import benchmark

if TYPE_CHECKING:
    from scripts.bench.members import Caller

ROWS = 1_000_000
IMPORTED = 100_000  # at most, by one request
AT_ONCE = 50_000  # rows a transaction: replicas apply one as a whole
PIECE = 1024 * 1024  # bytes
PATIENCE = 1_800  # seconds
MODULE = "drf_oms.settings"
COLUMNS = [
    "external_reference",
    "customer",
    "product_name",
    "sku",
    "quantity",
    "unit_price",
    "status",
    "placed_at",
]

INSERT = """
    INSERT INTO orders_order (order_number, customer_id, product_name, status, payment_status, currency,
           total, refunded_total, placed_at, paymented_at, updated_at, version, source)
    WITH RECURSIVE number (n) AS (SELECT %s UNION ALL SELECT n + 1 FROM number WHERE n < %s)
    SELECT CONCAT('B', LPAD(CONV(n, 10, 36), 11, '0')), %s, CONCAT('머그컵 ', n), 'paid', 'paid', 'KRW',
           12000, 0, t, t, t, 1, 'bench'
      FROM (SELECT n, UTC_TIMESTAMP(6) - INTERVAL n SECOND AS t FROM number) AS numbered
"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with benchmark(MODULE) as state:
        _report(state, rows)


def _report(state: Path, rows: int) -> None:
    from scripts.bench.members import await_replicas, new_caller  # noqa: PLC0415 - needs Django

    caller = new_caller()
    _make_staff(caller)
    _insert(caller, rows)
    await_replicas(PATIENCE)
    lines = [_measured(state, caller, "export", rows, _export)]
    file = state / "orders.csv"
    for name, mode in (("import, all or nothing", "all"), ("import, best effort", "best")):
        count = min(rows, IMPORTED)
        _write_file(file, caller, count, prefix=f"{mode}-{time.time_ns()}")
        lines.append(_measured(state, caller, name, count, lambda *asked: _import(file, mode, *asked)))  # noqa: B023 - called now
    header = ["", "rows", "seconds", "rows/s", "MB", "idle, MB", "peak, MB"]
    table("Files of orders, one worker: resident memory before and at most", header, lines)


def _make_staff(caller: "Caller") -> None:
    caller.member.is_staff = caller.member.is_superuser = True
    caller.member.save()


def _insert(caller: "Caller", rows: int) -> None:
    from django.db import connection  # noqa: PLC0415 - needs Django

    with connection.cursor() as cursor:
        cursor.execute("SET SESSION cte_max_recursion_depth = %s", [AT_ONCE])
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM orders_order")
        first = cursor.fetchone()[0] + 1
        for start in range(first, first + rows, AT_ONCE):
            last = min(start + AT_ONCE, first + rows) - 1
            cursor.execute(INSERT, [start, last, caller.member.pk])
            say(f"  {last - first + 1:,} of {rows:,} orders inserted")


def _measured(state: Path, caller: "Caller", name: str, rows: int, ask: Any) -> list[str]:
    with Service(state, MODULE) as service:
        for _ in range(3):  # connections, imports
            service.call("GET", "/orders/", caller.key)
        worker, idle = service.worker(), peak_of(service.worker())
        started = time.monotonic()
        size = ask(service, caller, rows)
        seconds = time.monotonic() - started
        figures = [seconds, rows / seconds, size / 1e6, idle / 1e6, peak_of(worker) / 1e6]
    return [name, f"{rows:,}", *[f"{figure:,.0f}" for figure in figures]]


def _export(service: Service, caller: "Caller", rows: int) -> int:
    """Bytes. As a member, whose index is walked; they have some orders more."""
    answer, size, lines = (
        _ask(service, caller, "GET", f"/orders/export.csv?customer={caller.member.pk}"),
        0,
        0,
    )
    while piece := answer.read(PIECE):
        size += len(piece)
        lines += piece.count(b"\r\n")
    if answer.status != 200 or lines <= rows:
        raise SystemExit(f"the export was answered {answer.status} with {lines} lines.")
    return size


def _import(file: Path, mode: str, service: Service, caller: "Caller", rows: int) -> int:
    with file.open("rb") as body:
        answer = _ask(service, caller, "POST", f"/orders/import?mode={mode}", body)
        beginning = answer.read()[:100].decode()
    if answer.status != 200 or f'"created":{rows},' not in beginning:
        raise SystemExit(f"the import was answered {answer.status}: {beginning}")
    return file.stat().st_size


def _ask(
    service: Service, caller: "Caller", method: str, path: str, body: IO[bytes] | None = None
) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    headers = {"Authorization": f"Token {caller.key}", "Content-Type": "text/csv"}
    if body is not None:
        headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
    connection.request(method, path, body, headers)
    return connection.getresponse()


def _write_file(file: Path, caller: "Caller", rows: int, prefix: str) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(caller, rows, prefix))


def _rows(caller: "Caller", rows: int, prefix: str) -> Iterator[list[Any]]:
    for number in range(rows):
        identity = [f"{prefix}-{number}", caller.member.email, f"머그컵 {number}", f"M-{number % 50}"]
        yield [*identity, 2, 12000, "delivered", "2024-05-31T12:30:00+09:00"]


def peak_of(pid: int) -> int:
    """The most memory, in bytes, that was resident."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
