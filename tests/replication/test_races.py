"""Many at once, over HTTP: no order is made twice, none is corrupted, none is lost to a broken connection."""

import os
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import environ
import MySQLdb
import pytest
import requests

from orders.models import OrderEvent
from orders.replay import replay
from tests.replication.cluster import Client, Service, wait_until

THREADS = 50
DRIVERS = 20
ATTEMPTS = 5000 if os.environ.get("LONG_FAULTS") == "1" else 2000  # of all drivers together
MUG = {"product_name": "머그컵", "currency": "USD", "lines": [{"name": "머그컵", "unit_price": "12.50"}]}


@pytest.fixture(scope="module")
def desk(service, staff) -> Client:
    """Somebody who may do everything."""
    client = Client(service)
    email, client.password = staff
    assert client.log_in(email).status_code == 200
    return client


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call from as many threads, which all start together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def patiently(call: Callable[[], requests.Response]) -> requests.Response:
    """As a client does that heeds `Retry-After`: 503 is asked again."""
    answer = call()
    while answer.status_code == 503:
        time.sleep(int(answer.headers["Retry-After"]))  # as long as they were told
        answer = call()
    return answer


def events_of(client: Client, order: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        path = f"/orders/{order}/events?limit=200&offset={len(found)}"
        page = client.call("GET", path).json()
        found += page["results"]
        if not page["next"]:
            return found


def count_of(client: Client) -> int:
    return client.call("GET", "/orders/").json()["count"]


@pytest.mark.parametrize("round_", range(3))
def test_one_key_from_fifty_threads_makes_one_order(registered, desk, round_):
    key = {"Idempotency-Key": f"key-{round_}"}

    answers = at_once(THREADS, lambda n: registered.call("POST", "/orders/", key, **MUG))

    assert Counter(answer.status_code for answer in answers) == {201: THREADS}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert count_of(registered) == 1
    assert len(events_of(desk, answers[0].json()["id"])) == 1


@pytest.mark.parametrize("round_", range(3))
def test_one_number_from_fifty_threads_makes_one_order(registered, desk, round_):
    number = secrets.token_hex(6).upper()

    answers = at_once(THREADS, lambda n: registered.call("POST", "/orders/", order_number=number, **MUG))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: THREADS - 1}
    assert len({answer.content for answer in answers}) == 1
    assert count_of(registered) == 1
    assert len(events_of(desk, answers[0].json()["id"])) == 1


@contextmanager
def uncommitted(statement: str) -> Iterator[None]:
    """A transaction of somebody else's that has run this, and neither commits nor ends."""
    url = environ.Env.db_url_config(os.environ["SERVICE_DATABASE_URL"])
    connection = MySQLdb.connect(
        host=url["HOST"],
        port=url["PORT"],
        user=url["USER"],
        password=url["PASSWORD"],
        database=url["NAME"],
    )
    try:
        connection.query(statement)
        connection.store_result()
        yield
    finally:
        connection.close()


def halted_insert(cluster) -> str:
    """The id of the connection that waits to insert an order; empty when none does."""
    return cluster.query(
        "primary",
        "SELECT COALESCE(MAX(id), '') FROM information_schema.processlist "
        "WHERE info LIKE 'INSERT INTO `orders_order`%'",
    )


@pytest.mark.parametrize("identity", ["key", "number"])
def test_a_connection_killed_in_mid_transaction_leaves_nothing_and_the_retry_makes_one(
    cluster, registered, desk, identity
):
    number = secrets.token_hex(6).upper()
    body = {
        **MUG,
        "customer": registered.member,
        **({"order_number": number} if identity == "number" else {}),
    }
    key = {"Idempotency-Key": f"killed-{number}"} if identity == "key" else {}

    def place() -> requests.Response:
        return desk.call("POST", "/orders/", key, **body)

    with ThreadPoolExecutor(1) as threads:
        # An order needs its customer's row: it comes to a halt in mid-transaction.
        with uncommitted(f"SELECT id FROM accounts_member WHERE id = {registered.member} FOR UPDATE"):
            waiting = threads.submit(place)
            connection = wait_until(lambda: halted_insert(cluster), what="the order's INSERT waits")
            cluster.query("primary", f"KILL {connection}")
            broken = waiting.result()
        assert broken.status_code == 503
        assert "Retry-After" in broken.headers
        assert count_of(registered) == 0
        first, again = patiently(place), patiently(place)

    assert (first.status_code, again.status_code) == (201, 201 if identity == "key" else 200)
    assert first.json() == again.json()
    assert count_of(registered) == 1
    assert len(events_of(desk, first.json()["id"])) == 1


@pytest.fixture(scope="module")
def impatient(cluster, tmp_path_factory):
    """A service that waits a second for a lock."""
    with Service(tmp_path_factory.mktemp("impatient"), LOCK_WAIT_SECONDS="1") as service:
        yield service


def test_a_key_whose_request_is_still_running_is_a_conflict_that_says_when_to_ask_again(
    impatient, registered
):
    client = Client(impatient, registered.token)
    insert = (
        "INSERT INTO orders_idempotencykey (caller_id, `key`, fingerprint, headers, body, created_at)"
        f" VALUES ({registered.member}, 'running', '', '{{}}', '', UTC_TIMESTAMP(6))"
    )

    with uncommitted(insert):
        waiting = client.call("POST", "/orders/", {"Idempotency-Key": "running"}, **MUG)
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
    assert client.call("POST", "/orders/", {"Idempotency-Key": "running"}, **MUG).status_code == 201


def test_an_order_whose_row_is_held_is_tried_again_and_then_a_503_that_changed_nothing(impatient, registered):
    client = Client(impatient, registered.token)
    order = client.call("POST", "/orders/", **MUG).json()

    with uncommitted(f"SELECT id FROM orders_order WHERE id = {order['id']} FOR UPDATE"):
        refused = client.call("POST", f"/orders/{order['id']}/cancel")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert client.call("GET", f"/orders/{order['id']}").json() == order
    assert client.call("POST", f"/orders/{order['id']}/cancel").status_code == 200


def test_a_member_whose_row_is_held_is_told_to_try_again(impatient, new_email):
    """As by an import of their orders, which holds it until it commits."""
    client, email = Client(impatient), new_email()
    assert client.register(email).status_code == 201

    with uncommitted(f"SELECT id FROM accounts_member WHERE id = {client.member} FOR SHARE"):
        login = Client(impatient).log_in(email)
        change = client.call("PATCH", f"/accounts/users/{client.member}", name="Ada")
    for refused in (login, change):
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert Client(impatient).log_in(email).status_code == 200


def test_an_answer_that_never_arrived_is_given_again(registered, desk):
    """The client hangs up right after it has sent its order, then asks again with the same key."""
    url = urlsplit(registered.service.url)
    for round_ in range(20):
        prepared = requests.Request(
            "POST",
            f"{registered.service.url}/orders/",
            json=MUG,
            headers={"Authorization": f"Token {registered.token}", "Idempotency-Key": f"lost-{round_}"},
        ).prepare()
        head = "".join(f"{name}: {value}\r\n" for name, value in prepared.headers.items())
        with socket.create_connection((url.hostname, url.port), timeout=10) as line:
            line.sendall(
                f"POST /orders/ HTTP/1.1\r\nHost: {url.netloc}\r\n{head}\r\n".encode() + prepared.body
            )
        answers = [
            registered.call("POST", "/orders/", {"Idempotency-Key": f"lost-{round_}"}, **MUG)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content

    assert count_of(registered) == 20


def test_twenty_threads_cannot_corrupt_one_order(registered, desk):
    lines = [{"name": f"thing {n}", "quantity": 400, "unit_price": "0.25"} for n in range(3)]
    placed = desk.call(
        "POST", "/orders/", customer=registered.member, currency="USD", lines=lines, status="pending"
    ).json()
    path = f"/orders/{placed['id']}"

    def drive(seed: int) -> Counter[int]:
        dice, seen = random.Random(seed), Counter[int]()
        for _ in range(ATTEMPTS // DRIVERS):
            client = dice.choice((desk, desk, registered))
            method, suffix, body = some_change(dice)
            seen[client.call(method, path + suffix, **body).status_code] += 1
        return seen

    seen = sum(at_once(DRIVERS, drive), Counter())

    events, order = events_of(desk, placed["id"]), desk.call("GET", path).json()
    assert set(seen) <= {200, 201, 403, 409}, seen
    assert [event["seq"] for event in events] == list(range(1, order["version"] + 1))
    assert len(events) == 1 + seen[200] + seen[201]  # what was answered happened, and nothing else did
    told = replay(OrderEvent(**{k: e[k] for k in REPLAYED}) for e in events)
    assert (told.status, told.payment_status) == (order["status"], order["payment_status"])
    assert f"{told.total:.2f}" == order["total"]
    assert f"{told.refunded_total:.2f}" == order["refunded_total"]
    assert {position: line[:3] for position, line in told.lines.items()} == {
        line["position"]: [line["quantity"], line["quantity_canceled"], line["quantity_returned"]]
        for line in order["lines"]
    }
    assert sum(round(float(r["amount"]) * 100) for r in order["refunds"]) == round(told.refunded_total * 100)
    assert min(seen[409], seen[403], len(events)) > ATTEMPTS / 100, seen  # it was a fight


REPLAYED = ("seq", "type", "role", "from_status", "to_status", "data")


def some_change(dice: random.Random) -> tuple[str, str, dict[str, Any]]:
    """Mostly parts of the order and of its money, seldom a step that ends it."""
    some = {"lines": [{"position": dice.randint(1, 3), "quantity": dice.randint(1, 40)}]}
    kind = dice.choices(["part", "refund", "note", "rename", "step", "end"], weights=[30, 25, 15, 10, 19, 1])[
        0
    ]
    if kind == "part":
        return "POST", dice.choice(("/cancel", "/return")), some
    if kind == "refund":
        return "POST", "/refunds", {"amount": f"0.{dice.randint(1, 99):02}"}
    if kind == "note":
        return "POST", "/notes", {"text": "hm"}
    if kind == "rename":
        return "PATCH", "", {"product_name": f"name {dice.random()}"}
    if kind == "step":
        return "POST", dice.choice(("/pay", "/prepare", "/ship", "/deliver")), {}
    return "POST", dice.choice(("/cancel", "/return")), {}
