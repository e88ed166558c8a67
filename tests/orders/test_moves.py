"""POST /orders/{reference}/{pay,prepare,ship,deliver,cancel,return}"""

from datetime import datetime
from decimal import Decimal

import pytest

from orders.lifecycle import Action, Role, Status, allowed
from orders.models import Order
from orders.placing import Line
from orders.replay import faults
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

WAY_TO = {
    "pending": [],
    "paid": ["pay"],
    "preparing": ["pay", "prepare"],
    "shipped": ["pay", "ship"],
    "delivered": ["pay", "ship", "deliver"],
    "canceled": ["cancel"],
    "returned": ["pay", "ship", "return"],
}


def move(client, order, action, **body):
    return client.post(f"/orders/{order.order_number}/{action}", body)


@pytest.fixture
def order_in(staff_client, member):
    """An order of the member that was led to this status."""

    def make(status, **content):
        order = OrderFactory(customer=member, status="pending", **content)
        for action in WAY_TO[status]:
            assert move(staff_client, order, action).status_code == 200
        order.refresh_from_db()
        assert order.status == status
        return order

    return make


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_staff_go_where_the_table_leads_and_nowhere_else(staff_client, order_in, status, action):
    order = order_in(status)

    answer = move(staff_client, order, action)

    if action in allowed(status, Role.STAFF):
        assert answer.status_code == 200
        assert answer.json()["version"] == order.version + 1
        assert answer.headers["ETag"] == f'"{order.pk}-{order.version + 1}"'
    else:
        assert answer.status_code == 409
        assert answer.json().get("allowed", []) == allowed(status, Role.STAFF)
        for other in allowed(status, Role.STAFF):
            assert other in answer.json()["detail"]
        assert Order.objects.get(pk=order.pk).version == order.version
    order.refresh_from_db()
    assert faults(order) == []


@pytest.mark.parametrize("status", Status)
def test_an_owner_cancels_what_is_not_being_prepared(member_client, order_in, status):
    order = order_in(status)

    answer = move(member_client, order, "cancel", reason="changed my mind")

    assert answer.status_code == (200 if status in ("pending", "paid") else 409)


@pytest.mark.parametrize("action", set(Action) - {Action.CANCEL})
def test_the_rest_is_for_staff_alone(member_client, order_in, action):
    assert move(member_client, order_in("paid"), action).status_code == 403


def test_paying_says_when(staff_client, order_in):
    order = order_in("pending")
    assert order.paymented_at is None
    assert order.payment_status == "unpaid"

    paid = move(staff_client, order, "pay").json()

    assert paid["payment_status"] == "paid"
    assert order.placed_at < datetime.fromisoformat(paid["paymented_at"])


def test_an_order_of_somebody_else_is_not_to_be_found(order_in, other, client_of):
    assert move(client_of(other), order_in("paid"), "cancel").status_code == 404


LINES = [Line("Mug", 3, Decimal(1000), "MUG"), Line("Plate", 1, Decimal(2500), "PLATE")]


def test_a_part_can_be_canceled_and_the_rest_goes_on(staff_client, order_in):
    order = order_in("paid", lines=LINES)

    shown = move(staff_client, order, "cancel", lines=[{"position": 1, "quantity": 2}]).json()

    assert shown["status"] == "paid"
    assert shown["total"] == "5500"  # it was paid; giving back is a refund
    assert [line["quantity_canceled"] for line in shown["lines"]] == [2, 0]
    assert move(staff_client, order, "ship").status_code == 200
    back = move(staff_client, order, "return", lines=[{"position": 1, "quantity": 1}]).json()
    assert back["status"] == "shipped"
    gone = move(staff_client, order, "return", lines=[{"position": 2, "quantity": 1}]).json()
    assert gone["status"] == "returned"
    assert faults(Order.objects.get(pk=order.pk)) == []


def test_what_is_canceled_before_payment_need_not_be_paid(member_client, order_in):
    order = order_in("pending", lines=LINES)

    shown = move(member_client, order, "cancel", lines=[{"position": 1, "quantity": 2}]).json()

    assert (shown["status"], shown["total"]) == ("pending", "3500")
    assert move(member_client, order, "cancel").json()["total"] == "0"
    assert faults(Order.objects.get(pk=order.pk)) == []


def test_canceling_without_lines_takes_all_that_is_left(staff_client, order_in):
    order = order_in("preparing", lines=LINES)
    move(staff_client, order, "cancel", lines=[{"position": 1, "quantity": 1}])

    shown = move(staff_client, order, "cancel").json()

    assert shown["status"] == "canceled"
    assert [line["quantity_canceled"] for line in shown["lines"]] == [3, 1]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([{"position": 9, "quantity": 1}], 400),
        ([{"position": 2, "quantity": 2}], 409),
        ([{"position": 1, "quantity": 1}, {"position": 1, "quantity": 1}], 400),
        ([{"position": 1, "quantity": 0}], 400),
        ([{"position": 1}], 400),
        ([], 400),
        ("1", 400),
        ([None], 400),
    ],
)
def test_quantities_that_cannot_be_are_refused_by_name_and_nothing_changes(
    staff_client, order_in, lines, status
):
    order = order_in("paid", lines=LINES)

    answer = move(staff_client, order, "cancel", lines=lines)

    assert answer.status_code == status
    assert list(answer.json()) == ["lines"]
    assert Order.objects.get(pk=order.pk).version == order.version


def test_what_was_said_is_remembered(staff_client, member_client, order_in):
    order = order_in("paid")
    move(staff_client, order, "ship", carrier="우체국", tracking_number="6012345678901", note="fragile")

    *_, seen = staff_client.get(f"/orders/{order.pk}/events").json()["results"]
    *_, shown = member_client.get(f"/orders/{order.pk}/events").json()["results"]

    assert seen["data"] == {"carrier": "우체국", "tracking_number": "6012345678901", "note": "fragile"}
    assert shown["data"] == {"carrier": "우체국", "tracking_number": "6012345678901"}
