"""The floor of the benchmarks (scripts/bench/floor.py) is honest: it has the service's rows and fields."""

import pytest
from django.db import connection

from orders.models import IdempotencyKey, Order, OrderEvent, OrderLine
from orders.serializers import SHOWN, OrderLineSerializer
from scripts.bench import floor_sql as sql
from scripts.bench.svg import bars
from tests.factories import OrderFactory
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db


def read(query: str, parameters: list) -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]


def test_a_history_has_the_services_rows_and_fields(member, other, member_client):
    many_orders(member, 5)
    many_orders(other, 1)
    shown = member_client.get("/orders/?limit=3&offset=1").json()["results"]

    found = read(sql.HISTORY, [member.pk, 3, 1])

    assert [list(row) for row in found] == [list(SHOWN)] * 3 == [list(row) for row in shown]
    assert [row["id"] for row in found] == [row["id"] for row in shown]
    last = found[-1]
    after = read(sql.HISTORY_BEFORE, [member.pk, last["placed_at"], last["placed_at"], last["id"], 9])
    rest = member_client.get("/orders/?offset=4").json()["results"]
    assert [row["id"] for row in after] == [row["id"] for row in rest]


def test_one_order_has_the_services_fields(member):
    order = OrderFactory(customer=member)

    assert list(read(sql.ORDER, [order.pk, member.pk])[0]) == list(SHOWN)
    assert list(read(sql.LINES, [order.pk])[0]) == list(OrderLineSerializer.Meta.fields)


def test_placing_writes_rows_that_the_service_takes_for_its_own(member, member_client):
    with connection.cursor() as cursor:
        cursor.execute(sql.INSERT_KEY, [member.pk, "k-1", "0" * 64])
        key = cursor.lastrowid
        cursor.execute(sql.INSERT_ORDER, ["ABCDEF012345", member.pk, "Mug"])
        order = cursor.lastrowid
        cursor.execute(sql.INSERT_LINE, [order, "Mug"])
        cursor.execute(sql.INSERT_EVENT, [order, member.pk, "{}"])
        cursor.execute(sql.UPDATE_KEY, ["{}", order, key])

    assert member_client.get(f"/orders/{order}").json()["product_name"] == "Mug"
    assert IdempotencyKey.objects.get(pk=key).order_id == order
    assert [model.objects.count() for model in (Order, OrderLine, OrderEvent)] == [1, 1, 1]


@pytest.mark.parametrize("values", [[("one & two", 0.5, 0.4, 0.6)], [("a", 1.06, 0.9, 1.3), ("b", 0, 0, 0)]])
def test_the_picture_has_a_bar_for_each(values):
    picture = bars("Title", values)

    assert picture.count("<rect") == 1 + len(values)  # and the background
    assert "one &amp; two" in picture or len(values) > 1
