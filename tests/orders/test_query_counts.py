"""Lists run as many statements for thirty rows as for two, and a route no more than it needs"""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.factories import MemberFactory, OrderFactory
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db

FEW, MANY = 2, 30


def statements(client, url: str, rows: int) -> int:
    """How many the list runs on all nodes together, once it shows so many rows."""
    with CaptureQueriesContext(connections["default"]) as captured:
        answer = client.get(url)
    assert len(answer.json()["results"]) == rows
    return len(captured)


@pytest.mark.parametrize("paging", ["", "&pagination=cursor"])
@pytest.mark.parametrize("ordering", ["-placed_at", "total"])
@pytest.mark.parametrize("who", ["member", "staff"])
def test_orders(request, member, who, paging, ordering):
    client = request.getfixturevalue(f"{who}_client")
    counted = []
    for missing, rows in ((FEW, FEW), (MANY - FEW, MANY)):
        many_orders(member, missing)
        for url in ("/orders/", f"/accounts/users/{member.pk}/orders"):
            query = f"{url}?limit=50&ordering={ordering}{paging}&search=Mug&status=paid,shipped"
            counted.append(statements(client, query, rows))

    assert counted[:2] == counted[2:]
    if who == "member":
        assert counted[0] == 2  # the token, the page


@pytest.mark.parametrize("paging", ["", "&pagination=cursor"])
def test_members(staff, staff_client, paging):
    counted = []
    for missing, rows in ((FEW - 1, FEW), (MANY - FEW, MANY)):
        for member in MemberFactory.create_batch(missing):
            many_orders(member, rows)
        counted.append(statements(staff_client, f"/accounts/users?limit=50{paging}", rows))

    assert counted[0] == counted[1] == 6  # two of them about permissions


@pytest.mark.parametrize("paging", ["", "&pagination=cursor"])
def test_events(member, member_client, paging):
    order = OrderFactory(customer=member)
    counted = []
    for missing, rows in ((FEW - 1, FEW), (MANY - FEW, MANY)):
        for _ in range(missing):
            member_client.post(f"/orders/{order.pk}/notes", {"text": "Please ring twice"})
        counted.append(statements(member_client, f"/orders/{order.pk}/events?limit=50{paging}", rows))

    assert counted[0] == counted[1]


def test_the_lines_of_an_order(member, member_client):
    counted = []
    for rows in (FEW, MANY):
        lines = [{"name": f"Mug {number}"} for number in range(rows)]
        placed = member_client.post("/orders/", {"lines": lines}).json()
        with CaptureQueriesContext(connections["default"]) as captured:
            assert len(member_client.get(f"/orders/{placed['id']}").json()["lines"]) == rows
        counted.append(len(captured))

    assert counted[0] == counted[1]


@pytest.mark.parametrize(("headers", "count"), [({}, 4), ({"Idempotency-Key": "k-1"}, 6)])
def test_placing_an_order(member_client, headers, count):
    """The token, the order, its line, its event; of a key, its row and the answer that is kept."""
    with CaptureQueriesContext(connections["default"]) as captured:
        answer = member_client.post("/orders/", {"product_name": "Mug"}, headers=headers)

    assert answer.status_code == 201
    assert [query["sql"].split()[0] for query in captured][:2] == ["SELECT", "INSERT"]
    assert len(captured) == count


def test_what_is_shown_of_a_new_order_is_what_is_stored(member_client):
    lines = [{"name": "Mug", "sku": "M-1", "quantity": 2, "unit_price": "12000"}, {"name": "Cup"}]
    placed = member_client.post("/orders/", {"lines": lines})

    read = member_client.get(placed.headers["Location"])
    assert placed.json() == read.json()
    assert placed.headers["ETag"] == read.headers["ETag"]


def test_one_order(member, member_client, django_assert_num_queries):
    order = OrderFactory(customer=member)

    with django_assert_num_queries(3):  # the token, the order, its lines; refunds where there are some
        assert member_client.get(f"/orders/{order.pk}").status_code == 200
