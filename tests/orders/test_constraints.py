"""What the database itself refuses, whoever asks."""

import pytest
from django.db import IntegrityError, OperationalError, transaction

from orders.models import Order, OrderEvent, OrderLine, Refund
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "change",
    [
        {"status": "lost"},
        {"payment_status": "unpaid"},
        {"payment_status": "refunded"},
        {"payment_status": "partially_refunded"},
        {"payment_status": "owed"},
        {"paymented_at": None},
        {"refunded_total": 1},
        {"refunded_total": -1},
        {"total": -1},
        {"status": "pending"},
    ],
)
def test_an_impossible_order(change):
    OrderFactory()

    with pytest.raises((IntegrityError, OperationalError)), transaction.atomic():
        Order.objects.update(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0},
        {"quantity_canceled": 2},
        {"quantity_canceled": 1, "quantity_returned": 1},
        {"unit_price": -1},
    ],
)
def test_an_impossible_line(change):
    OrderFactory()

    with pytest.raises((IntegrityError, OperationalError)), transaction.atomic():
        OrderLine.objects.update(**change)


def test_a_refund_of_nothing_or_the_same_event_twice():
    order = OrderFactory()

    for write in (
        lambda: Refund.objects.create(order=order, amount=0),
        lambda: OrderEvent.objects.create(order=order, seq=1, type="note", role="staff", to_status="paid"),
        lambda: OrderLine.objects.create(order=order, position=1, name="Mug", quantity=1),
    ):
        with pytest.raises((IntegrityError, OperationalError)), transaction.atomic():
            write()
