"""What `bench.sh speed` asks for, of the service and of what it is compared with; lines are load.lua's."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rest_framework.test import APIClient

from orders.models import Order
from scripts.bench.speed_data import PASSWORD, Data

PAGE = 30
FIRST = "/orders/?pagination=cursor"
SOME = 200  # members, where each costs a look-up to prepare
Lines = Callable[[Data], Iterator[str]]
PLACED = {"product_name": "머그컵"}


@dataclass(frozen=True)
class Target:
    """One kind of request. `at_least`: the ratio to its rival under which `--check` fails.

    `rival` is "floor"; "primary", the service with everything on the primary; or "itself", the same
    service, asked for something else.
    """

    name: str
    lines: Lines
    floor_lines: Lines | None = None
    at_least: float = 0.0
    rival: str = "floor"
    shortest: int = 1  # seconds of a turn: hashing passwords for eight takes some

    def rivals_lines(self) -> Lines:
        return self.floor_lines or self.lines


def line(method: str, path: str, key: str = "", header: str = "", body: Any = None) -> str:
    return "\t".join([method, path, key, header, json.dumps(body, ensure_ascii=False) if body else ""])


def reading(path: str) -> Lines:
    """The same path by each member in turn."""
    return lambda data: (line("GET", path, data.key_of(member)) for member in data.members())


def staff_reading(path: str) -> Lines:
    return lambda data: iter([line("GET", path, data.staff_key())])


def placing(header: str = "") -> Lines:
    return lambda data: (
        line("POST", "/orders/", data.key_of(member), header, PLACED) for member in data.members()
    )


def deepest_pages(data: Data) -> Iterator[str]:
    for member in islice(data.members(), 1 if data.big else SOME):
        _, cursor = data.deepest(member, PAGE)
        yield line("GET", f"/orders/?pagination=cursor&cursor={cursor}", data.key_of(member))


def deepest_pages_of_floor(data: Data) -> Iterator[str]:
    for member in islice(data.members(), 1 if data.big else SOME):
        order, _ = data.deepest(member, PAGE)
        before = f"{order.placed_at:%Y-%m-%dT%H:%M:%S.%f},{order.pk}"
        yield line("GET", f"/orders/?before={before}", data.key_of(member))


def first_pages_of_the_same(data: Data) -> Iterator[str]:
    for member in islice(data.members(), 1 if data.big else SOME):
        yield line("GET", FIRST, data.key_of(member))


def single_orders(data: Data) -> Iterator[str]:
    for pk, member in newest_orders(data):
        yield line("GET", f"/orders/{pk}", data.key_of(member))


def polling_orders(data: Data) -> Iterator[str]:
    for order in Order.objects.filter(pk__in=[pk for pk, _ in newest_orders(data)]):
        header = f"If-None-Match={order.etag}"
        yield line("GET", f"/orders/{order.pk}", data.key_of(order.customer_id), header)


def polling_pages(data: Data) -> Iterator[str]:
    """The entity tag is that of another host's links, so the same host is asked for."""
    for member in data.members()[:SOME]:
        client = APIClient(headers={"Authorization": f"Token {data.key_of(member)}"})
        etag = client.get(FIRST).headers["ETag"]
        yield line("GET", FIRST, data.key_of(member), f"Host=testserver|If-None-Match={etag}")


def newest_orders(data: Data) -> list[tuple[int, int]]:
    members = data.members()[:SOME]
    orders = Order.objects.filter(customer_id__in=members, order_number__startswith="S0")
    return list(orders.order_by("order_number").values_list("pk", "customer_id")[:SOME])


def logging_in(data: Data) -> Iterator[str]:
    for member in data.members():
        body = {"email": data.email_of(member), "password": PASSWORD}
        yield line("POST", "/auth/login", body=body)


def registering(data: Data) -> Iterator[str]:
    details = {"name": "김하늘", "nickname": "haneul", "phone": "01012345678", "password": PASSWORD}
    yield line("POST", "/accounts/users", body={"email": "speed.{unique}@example.com", **details})


# Bounds are about two thirds of what was measured (docs/benchmarks.md): under them something has happened.
TARGETS = [
    Target("history, first page, by cursor", reading(FIRST), at_least=0.25),
    Target("history, first page, by offset", reading("/orders/"), at_least=0.2),
    Target("history, deepest page, by cursor", deepest_pages, deepest_pages_of_floor, at_least=0.25),
    Target("  to the same members' first", deepest_pages, first_pages_of_the_same, 0.7, rival="itself"),
    Target("history, offset 60", reading("/orders/?offset=60"), at_least=0.15),
    Target("history, by cursor: all on the primary", reading(FIRST), at_least=0.7, rival="primary"),
    Target("poll: history, unchanged", polling_pages, reading(FIRST), at_least=0.4),
    Target("one order", single_orders, at_least=0.15),
    Target("poll: one order, unchanged", polling_orders, single_orders, at_least=0.25),
    Target("30 members, for staff", staff_reading("/accounts/users?limit=30"), at_least=0.2),
    Target("place an order, with a key", placing("Idempotency-Key={unique}"), at_least=0.25),
    Target("place an order", placing(), at_least=0.25),
    Target("stats of 30 days", reading("/orders/stats"), at_least=0.08),
    Target("log in", logging_in, at_least=0.5, shortest=8),
    Target("register", registering, at_least=0.5, shortest=8),
]
