"""What pages of a long list cost, wherever they are, and what figures over it cost."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.services import log_in, register_member
from orders.keyset import Ordering
from orders.models import Order
from orders.selectors import everybodys_orders, orders_of
from scripts.bench.figures import Sample, table
from scripts.bench.members import Caller

ROUNDS, REQUESTS = 60, 5
PAGE = 30
HANDLER_READS = "SHOW SESSION STATUS LIKE 'Handler_read%'"
LIST = "/orders/?pagination=cursor"


@dataclass(frozen=True)
class Reader:
    """Somebody, and the orders that they may see."""

    name: str
    client: APIClient
    orders: QuerySet[Order]

    def get(self, url: str) -> Any:
        with override_settings(ROUTERS={**settings.ROUTERS, "REPLICAS": []}):
            answer = self.client.get(url)
        if answer.status_code != 200:
            raise SystemExit(f"{url} was answered {answer.status_code}.")
        return answer.json()


@dataclass
class Page:
    """What the service sends for the rows of one page, and what it took each time, in ms."""

    name: str
    statements: list[str]
    took: list[float] = field(default_factory=list)

    def run(self, cursor: Any) -> None:
        for statement in self.statements:
            cursor.execute(statement)
            cursor.fetchall()

    def time(self, cursor: Any) -> None:
        started = time.perf_counter()
        self.run(cursor)
        self.took.append((time.perf_counter() - started) * 1000)

    def rows_read(self, cursor: Any) -> int:
        before = _handler_reads(cursor)
        self.run(cursor)
        return _handler_reads(cursor) - before


def the_member(caller: Caller) -> Reader:
    client = APIClient(headers={"Authorization": f"Token {caller.key}"})
    return Reader("The member", client, orders_of(caller.member.pk))


def staff() -> Reader:
    details = {"name": "Grace Hopper", "nickname": "grace", "phone": "01012345678"}
    email = f"bench.{uuid.uuid4().hex[:12]}@example.com"
    auth_token, _ = register_member(email=email, password="Correct-horse-7", **details)  # noqa: S106
    member = auth_token.user
    member.is_staff = member.is_superuser = True
    member.save()
    client = APIClient(headers={"Authorization": f"Token {log_in(member)[1]}"})
    return Reader("Staff", client, everybodys_orders())


def report_pages(reader: Reader) -> None:
    """In turn, so that what slows the machine down slows all of them."""
    pages = [Page(name, _statements(reader, url)) for name, url in _pages(reader)]
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        for _ in range(ROUNDS):
            for page in pages:
                page.time(cursor)
        first = Sample(pages[0].took).median
        rows = [_row(page, page.rows_read(cursor), first) for page in pages]
    title = f"{reader.name}, {reader.orders.count():,} orders: what a page of {PAGE} takes in MySQL, ms"
    table(
        f"{title} ({ROUNDS} turns)", ["", "rows read", "median", "quartiles", "median to the first's"], rows
    )


def _row(page: Page, rows_read: int, first: float) -> list[str]:
    sample = Sample(page.took)
    ratio = f"{sample.median / first:.2f}"
    return [page.name, f"{rows_read:,}", f"{sample.median:.2f}", sample.quartiles(2), ratio]


def _pages(reader: Reader) -> Iterator[tuple[str, str]]:
    """Names and URLs."""
    tenth = LIST
    for _ in range(9):
        tenth = reader.get(tenth)["next"]
    yield "first page", LIST
    yield "page 10", tenth
    yield "in the middle", _page_at(reader, "-placed_at", reader.orders.count() // 2)
    yield "deepest page", _page_at(reader, "-placed_at")
    for status, share in (("shipped", "one in ten"), ("returned", "one in 10,000")):
        yield f"{status}, {share}", f"{LIST}&status={status}"
        yield "  deepest", _page_at(reader, "-placed_at", status=status)
    yield "by total", f"{LIST}&ordering=-total"
    yield "  deepest, among ties", _page_at(reader, "-total")
    yield "by id, deepest", _page_at(reader, "id")
    yield "offset 990", "/orders/?offset=990"
    yield "offset 9,990", "/orders/?offset=9990"


def _page_at(reader: Reader, ordering: str, index: int | None = None, **narrowed: str) -> str:
    """The page that begins after so many rows; the last full one if it is not said."""
    orders = reader.orders.filter(**narrowed).order_by(ordering)
    sorting = Ordering(orders)
    from_the_end = sorting.apply(orders, backwards=True)[PAGE : PAGE + 1]
    rows = sorting.apply(orders)[index : index + 1] if index else from_the_end
    before = next(iter(rows), None)
    query = "".join(f"&{name}={value}" for name, value in narrowed.items())
    cursor = f"&cursor={sorting.cursor_at(before)}" if before else ""  # there may be but one page
    return f"{LIST}&ordering={ordering}{query}{cursor}"


def _statements(reader: Reader, url: str) -> list[str]:
    """Without the count, which the first page by offset has as well."""
    with CaptureQueriesContext(connections[DEFAULT_DB_ALIAS]) as captured:
        reader.get(url)
    found = [query["sql"] for query in captured if "FROM `orders_order`" in query["sql"]]
    return [statement for statement in found if "COUNT(*)" not in statement]


def _handler_reads(cursor: Any) -> int:
    cursor.execute(HANDLER_READS)
    return sum(int(value) for _, value in cursor.fetchall())


def report_requests(readers: list[Reader]) -> None:
    """Whole requests: nearly all of it is the database."""
    year_ago = f"{timezone.localdate() - timedelta(days=365):%Y-%m-%d}"
    urls = {
        "GET /orders/ by offset, with the count": "/orders/",
        "GET /orders/ by cursor": LIST,
        "stats, 30 days by day": "/orders/stats",
        "stats, a year by month": f"/orders/stats?by=month&from={year_ago}",
    }
    rows = [_request_row(reader, name, url) for reader in readers for name, url in urls.items()]
    member = readers[0].get("/orders/?limit=1")["results"][0]["customer"]
    rows.append(_request_row(readers[0], "GET /accounts/users/{id}", f"/accounts/users/{member}"))
    table(f"Whole requests, ms (median of {REQUESTS})", ["", "median", "quartiles"], rows)


def _request_row(reader: Reader, name: str, url: str) -> list[str]:
    took = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        reader.get(url)
        took.append((time.perf_counter() - started) * 1000)
    sample = Sample(took)
    return [f"{reader.name}: {name}", f"{sample.median:.0f}", sample.quartiles()]
