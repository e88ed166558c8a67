"""GET /accounts/users/{id}/orders, and what a member shows of their orders"""

from decimal import Decimal

import pytest

from orders.models import Order
from orders.services import refund_order
from tests.factories import MemberFactory, OrderFactory
from tests.orders.test_filters import STAFF
from tests.orders.walking import ids, many_orders, walk

pytestmark = pytest.mark.django_db

MEMBERS = "/accounts/users"


def path(member) -> str:
    return f"{MEMBERS}/{member.pk}/orders"


def test_a_members_orders_are_their_own_list(member, member_client, other):
    many_orders(member, 3)
    many_orders(other, 1)

    assert member_client.get(path(member)).json() == member_client.get("/orders/").json()
    assert member_client.get(path(member) + "/").status_code == 200


def test_staff_read_any_members_orders(staff_client, member, other):
    many_orders(member, 3)
    theirs = many_orders(other, 5)

    pages = walk(staff_client, f"{path(other)}?pagination=cursor&limit=2&ordering=id")

    assert ids(pages) == [order.pk for order in theirs]


def test_filters_and_orderings_are_those_of_orders(member, member_client):
    cheap, dear = many_orders(member, 2, total=[1, 2])

    assert ids([member_client.get(path(member), {"ordering": "total"}).json()["results"]]) == [
        cheap.pk,
        dear.pk,
    ]
    assert ids([member_client.get(path(member), {"total_min": 2}).json()["results"]]) == [dear.pk]
    assert list(member_client.get(path(member), {"ordering": "price"}).json()) == ["ordering"]


def test_somebody_elses_are_not_to_be_found(member_client, other):
    many_orders(other, 1)

    assert member_client.get(path(other)).status_code == 404
    assert member_client.get(f"{MEMBERS}/{other.pk + 999}/orders").json() == (
        member_client.get(path(other)).json()
    )


def test_staff_without_the_permission_find_only_their_own(powerless_staff, client_of, other):
    client = client_of(powerless_staff)

    assert client.get(path(other)).status_code == 404
    assert client.get(path(powerless_staff)).status_code == 200


@pytest.mark.parametrize("pk", ["0", "9" * 40])
def test_a_member_who_is_none_is_not_to_be_found(staff_client, pk):
    assert staff_client.get(f"{MEMBERS}/{pk}/orders").status_code == 404


def test_orders_are_placed_elsewhere(member, member_client):
    assert member_client.post(path(member), {"product_name": "Mug"}).status_code == 405
    assert not Order.objects.exists()


def test_a_token_is_needed(anonymous, member):
    assert anonymous.get(path(member)).status_code == 401


def test_a_member_shows_how_many_orders_and_what_was_received(member, member_client):
    many_orders(member, 2, total=[5_000, 8_000])
    many_orders(member, 1, total="12.5", currency="USD")
    many_orders(member, 1, total=100, status="pending", payment_status="unpaid", paymented_at=None)
    refunded = OrderFactory(customer=member)
    Order.objects.filter(pk=refunded.pk).update(total=3_000)
    refund_order(order=refunded, actor=STAFF, amount=Decimal(1_000))

    shown = member_client.get(f"{MEMBERS}/{member.pk}").json()

    assert shown["order_count"] == 5
    assert shown["order_total"] == {"KRW": "15000", "USD": "12.50"}
    assert member_client.get(MEMBERS).json()["results"] == [shown]
    assert member_client.patch(f"{MEMBERS}/{member.pk}", {**shown, "gender": "F"}).status_code == 200


def test_the_sums_are_those_of_each_member(staff_client):
    members = MemberFactory.create_batch(5)
    for count, member in enumerate(members):
        many_orders(member, count, total=10)

    shown = {row["id"]: row for row in staff_client.get(MEMBERS).json()["results"]}

    for count, member in enumerate(members):
        assert shown[member.pk]["order_count"] == count
        assert shown[member.pk]["order_total"] == ({"KRW": str(10 * count)} if count else {})


@pytest.mark.parametrize("change", [{"order_count": 9}, {"order_total": {"KRW": "9"}}])
def test_the_sums_cannot_be_changed(member, member_client, change):
    answer = member_client.patch(f"{MEMBERS}/{member.pk}", change)

    assert answer.status_code == 400
    assert list(answer.json()) == list(change)
