"""What is made without asking each field of a serializer is what these fields would show."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone
from rest_framework.serializers import ModelSerializer

from orders.placing import Line, place_order
from orders.serializers import OrderDetailSerializer, OrderLineSerializer, OrderSerializer
from tests.factories import OrderFactory
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db


def by_its_fields(serializer: ModelSerializer, instance) -> dict:
    return dict(ModelSerializer.to_representation(serializer, instance))


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "America/St_Johns"])
def test_an_order_in_a_list(member, zone):
    odd = {
        "currency": ["KRW", "USD", "BHD"],
        "total": [Decimal(12000), Decimal("12.50"), Decimal("0.125")],
        "paymented_at": [None, datetime(2026, 1, 31, tzinfo=UTC), timezone.now()],
        "payment_status": ["unpaid", "paid", "paid"],
        "status": ["pending", "shipped", "paid"],
        "external_reference": [None, "X-1", None],
        "placed_at": [datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC), datetime(1001, 1, 2, tzinfo=UTC)],
    }
    with timezone.override(zone):
        for order in many_orders(member, 6, **{**odd, "external_reference": [None, *"ABCDE"]}):
            serializer = OrderSerializer(order)
            assert serializer.data == by_its_fields(serializer, order)
            assert list(serializer.data) == list(OrderSerializer().fields)


def test_an_order_by_itself(member):
    lines = [Line("Mug", 2, Decimal("12.50"), "M-1"), Line("Cup", unit_price=Decimal("0.5"))]
    order, _ = place_order(customer=member, lines=lines, currency="USD")
    serializer = OrderDetailSerializer(order)

    assert serializer.data == by_its_fields(serializer, order)
    assert list(serializer.data) == list(serializer.fields)
    assert list(serializer.data["lines"][0]) == list(OrderLineSerializer().fields)


def test_an_order_that_gives_money_back(member, staff_client):
    order, _ = place_order(customer=member, lines=[Line("Mug", 1, Decimal(9000))])
    assert staff_client.post(f"/orders/{order.pk}/refunds", {"amount": "4000"}).status_code == 201
    order.refresh_from_db()
    serializer = OrderDetailSerializer(order)

    assert serializer.data == by_its_fields(serializer, order)
    assert len(serializer.data["refunds"]) == 1


def test_an_order_without_money():
    order = OrderFactory()
    serializer = OrderSerializer(order)

    assert serializer.data == by_its_fields(serializer, order)


def test_a_page_of_orders(member):
    orders = many_orders(member, 3)
    page = OrderSerializer(orders, many=True)

    assert page.data == [by_its_fields(page.child, order) for order in orders]
