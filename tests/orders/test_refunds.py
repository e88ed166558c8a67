"""POST /orders/{reference}/refunds"""

from decimal import Decimal

import pytest

from orders.models import Order, Refund
from orders.placing import Line
from orders.replay import faults
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


def priced(member, total="100.00", currency="USD", **content):
    return OrderFactory(customer=member, currency=currency, lines=[Line("Mug", 1, Decimal(total))], **content)


def refund(client, order, **body):
    return client.post(f"/orders/{order.pk}/refunds", body)


def test_a_part_then_the_rest(staff_client, member):
    order = priced(member)

    first = refund(staff_client, order, amount="99.99", reason="scratched")
    rest = refund(staff_client, order)

    assert first.status_code == rest.status_code == 201
    assert (first.json()["payment_status"], first.json()["refunded_total"]) == ("partially_refunded", "99.99")
    assert (rest.json()["payment_status"], rest.json()["refunded_total"]) == ("refunded", "100.00")
    assert [r["amount"] for r in rest.json()["refunds"]] == ["99.99", "0.01"]
    assert faults(Order.objects.get()) == []


@pytest.mark.parametrize(
    ("amount", "status"),
    [
        ("100.01", 409),
        ("0", 409),
        ("-1", 400),
        ("0.001", 400),
        (0.5, 400),
        (True, 400),
        ("NaN", 400),
        ("Infinity", 400),
        ("1e2", 201),
        ("9" * 30, 400),
        ("", 400),
        ([], 400),
        (100, 201),
    ],
)
def test_never_more_than_was_paid_nor_what_the_currency_cannot_say(staff_client, member, amount, status):
    order = priced(member)

    answer = refund(staff_client, order, amount=amount)

    assert answer.status_code == status
    if status != 201:
        assert list(answer.json()) == ["amount"]
        assert not Refund.objects.exists()


def test_a_won_has_no_places(staff_client, member):
    order = priced(member, "100", "KRW")

    assert refund(staff_client, order, amount="0.5").status_code == 400
    assert refund(staff_client, order, amount="1").json()["refunded_total"] == "1"


def test_what_was_not_paid_is_not_refunded(staff_client, member):
    assert refund(staff_client, priced(member, status="pending"), amount="1").status_code == 409


def test_nothing_is_left_after_all_of_it(staff_client, member):
    order = priced(member)
    refund(staff_client, order)

    assert refund(staff_client, order).status_code == 409


def test_the_owner_does_not_refund(member_client, member):
    assert refund(member_client, priced(member)).status_code == 403


def test_a_canceled_order_is_refunded_too(staff_client, member):
    order = priced(member)
    staff_client.post(f"/orders/{order.pk}/cancel")

    assert refund(staff_client, order).json()["payment_status"] == "refunded"
