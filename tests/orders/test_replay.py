"""orders/replay.py: an order that was changed behind the service's back is found out."""

from decimal import Decimal

import pytest

from orders import services
from orders.actors import Actor
from orders.lifecycle import Action, Role
from orders.models import Order, OrderEvent, OrderLine, Refund
from orders.placing import Line
from orders.replay import faults
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

STAFF = Actor(Role.STAFF)


@pytest.fixture
def order(member):
    order = OrderFactory(customer=member, status="pending", lines=[Line("Mug", 5, Decimal(100))])
    services.move_order(order=order, action=Action.CANCEL, actor=STAFF, quantities={1: 1})
    for action in (Action.PAY, Action.SHIP):
        services.move_order(order=order, action=action, actor=STAFF)
    services.move_order(order=order, action=Action.RETURN, actor=STAFF, quantities={1: 2})
    services.refund_order(order=order, actor=STAFF, amount=Decimal(200))
    services.add_note(order=order, actor=STAFF, text="hm", audience="internal")
    return Order.objects.get(pk=order.pk)


def test_an_order_is_what_its_events_say(order):
    assert (order.status, order.payment_status) == ("shipped", "partially_refunded")
    assert (order.total, order.refunded_total, order.version) == (400, 200, 7)
    assert faults(order) == []


@pytest.mark.parametrize(
    "plant",
    [
        lambda order: Order.objects.update(status="delivered"),
        lambda order: Order.objects.update(version=8),
        lambda order: Order.objects.update(total=401),
        lambda order: Order.objects.update(refunded_total=199),
        lambda order: Order.objects.update(product_name="Other"),
        lambda order: OrderLine.objects.update(quantity_canceled=0),
        lambda order: OrderLine.objects.update(quantity_returned=1),
        lambda order: OrderLine.objects.update(unit_price=99),
        lambda order: OrderLine.objects.all().delete(),
        lambda order: Refund.objects.update(amount=1),
        lambda order: Refund.objects.create(order=order, amount=1),
        lambda order: OrderEvent.objects.filter(seq=3).delete(),
        lambda order: OrderEvent.objects.filter(seq=7).delete(),
        lambda order: OrderEvent.objects.filter(seq=4).update(to_status="paid"),
        lambda order: OrderEvent.objects.filter(seq=4).update(from_status="pending"),
        lambda order: OrderEvent.objects.filter(seq=4).update(role="owner"),
        lambda order: OrderEvent.objects.filter(seq=6).update(data={"amount": "100"}),
        lambda order: OrderEvent.objects.filter(seq=1).update(data={}),
        lambda order: OrderEvent.objects.filter(seq=4).update(type="mystery"),
    ],
)
def test_whatever_does_not_fit_is_found(order, plant):
    plant(order)

    assert faults(Order.objects.get(pk=order.pk))
