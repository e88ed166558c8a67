"""`scripts/bench.sh pages`: what the pages of the back office cost among very many orders."""

import argparse
import re
import time
import uuid
from typing import Any

from scripts.bench.state import benchmark

TURNS = 7


def main() -> None:
    """Everything on the primary: the statements are the same on a replica."""
    parser = argparse.ArgumentParser(prog="bench.sh pages")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many to add (1,000,000; 0: none)")
    orders = parser.parse_args().orders
    with benchmark(REPLICA_URLS=""):
        _report(orders)


def _report(orders: int) -> None:
    from django.db.models import Count  # noqa: PLC0415 - need Django, as do those below
    from django.test import Client  # noqa: PLC0415

    from orders.models import Order  # noqa: PLC0415
    from scripts.bench import history_table  # noqa: PLC0415
    from scripts.bench.figures import table  # noqa: PLC0415

    if orders:
        history_table.fill(orders)
    everybody = Order.objects.order_by()
    most = everybody.values("customer").annotate(orders=Count("pk")).order_by("-orders")[0]
    office = Client()
    office.force_login(_staff())
    rows = [_row(office, name, path) for name, path in _pages(office, most["customer"])]
    title = f"Pages of the back office, {everybody.count():,} orders, {most['orders']:,} of them one member's"
    table(f"{title} (ms, {TURNS} turns)", ["", "median", "quartiles", "statements"], rows)


def _staff() -> Any:
    from accounts.models import Member  # noqa: PLC0415 - needs Django

    details = {"name": "Staff", "nickname": "staff", "phone": "0000000"}
    return Member.objects.create_superuser(f"bench.{uuid.uuid4().hex[:12]}@example.com", **details)


def _pages(office: Any, member: int) -> list[tuple[str, str]]:
    """Names and paths."""
    orders, history = "/admin/orders/order/", f"/admin/accounts/member/{member}/change/"
    newest = re.search(r"/admin/orders/order/(\d+)/change/", _get(office, orders))
    if newest is None:
        raise SystemExit("There are no orders to look at.")
    return [
        ("first page: figures", "/admin/"),
        ("orders", orders),
        ("  page 20", _further(office, orders)),
        ("  of one status, one in 10,000", f"{orders}?status=returned"),
        ("  refunded, none", f"{orders}?payment_status=refunded"),
        ("  amount, one in 1,000", f"{orders}?total_min=99900"),
        ("  one day", f"{orders}?placed_after=2026-03-02&placed_before=2026-03-03"),
        ("  of a product", f"{orders}?q=머그컵 77"),
        ("  of no product", f"{orders}?q=nosuchthing"),
        ("  of one member", f"{orders}?customer={member}"),
        ("one order", newest[0]),
        ("members, by email", "/admin/accounts/member/?q=bench."),
        ("that member: sums, chart, history", history),
        ("  page 20 of the history", _further(office, history)),
        ("  history of one status", f"{history}?status=returned"),
        ("replication", "/ops/replication"),
    ]


def _further(office: Any, path: str) -> str:
    """The twentieth page."""
    here = path
    for _ in range(19):
        older = re.search(r'rel="next" href="([^"]+)"', _get(office, here))
        if older is None:
            break
        here = path + older[1].replace("&amp;", "&")
    return here


def _get(office: Any, path: str) -> str:
    answer = office.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} was answered {answer.status_code}.")
    return str(answer.content.decode())


def _row(office: Any, name: str, path: str) -> list[str]:
    from django.db import connection  # noqa: PLC0415 - needs Django
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from scripts.bench.figures import Sample  # noqa: PLC0415

    with CaptureQueriesContext(connection) as captured:
        _get(office, path)
        statements = len(captured)  # now: the next request empties the list
    took = []
    for _ in range(TURNS):
        started = time.perf_counter()
        _get(office, path)
        took.append((time.perf_counter() - started) * 1000)
    sample = Sample(took)
    return [name, f"{sample.median:.0f}", sample.quartiles(), str(statements)]


if __name__ == "__main__":
    main()
