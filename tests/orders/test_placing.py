"""POST /orders/ with lines, money, and the caller's own number"""

import pytest

from orders.models import Order, OrderEvent
from orders.replay import faults
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

LINES = [
    {"sku": "MUG-1", "name": "머그컵", "quantity": 2, "unit_price": "12.50"},
    {"name": "Plate", "unit_price": "0.01"},
]


def place(client, **body):
    return client.post("/orders/", body)


def test_a_product_name_alone_is_one_line_for_nothing_that_is_paid(member_client):
    order = place(member_client, product_name="Mug").json()

    assert (order["status"], order["payment_status"], order["currency"]) == ("paid", "paid", "KRW")
    assert (order["total"], order["refunded_total"], order["version"]) == ("0", "0", 1)
    assert order["lines"] == [
        {
            "position": 1,
            "sku": "",
            "name": "Mug",
            "quantity": 1,
            "quantity_canceled": 0,
            "quantity_returned": 0,
            "unit_price": "0",
        }
    ]
    assert order["paymented_at"] == order["placed_at"]


def test_lines_make_the_total_and_the_name(member_client):
    order = place(member_client, lines=LINES, currency="USD").json()

    assert order["total"] == "25.01"
    assert order["product_name"] == "머그컵 +1"
    assert [line["unit_price"] for line in order["lines"]] == ["12.50", "0.01"]
    assert faults(Order.objects.get()) == []


def test_a_long_name_leaves_room_for_how_many_more(member_client):
    order = place(member_client, lines=[{"name": "x" * 200}, {"name": "y"}]).json()

    assert order["product_name"] == "x" * 197 + " +1"


def test_pending_is_registered_before_payment(member_client):
    order = place(member_client, product_name="Mug", status="pending").json()

    assert (order["status"], order["payment_status"], order["paymented_at"]) == ("pending", "unpaid", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXX"),
        ("currency", "krw"),
        ("currency", 1),
        ("status", "shipped"),
        ("status", None),
        ("lines", []),
        ("lines", [{"name": "Mug", "quantity": 0}]),
        ("lines", [{"name": "Mug", "quantity": 10**7}]),
        ("lines", [{"name": "Mug", "unit_price": -1}]),
        ("lines", [{"name": "Mug", "unit_price": 0.1}]),
        ("lines", [{"name": ""}]),
        ("lines", [{}]),
        ("lines", ["Mug"]),
        ("lines", {"name": "Mug"}),
        ("lines", [{"name": "Mug"}] * 201),
        ("lines", [{"name": "Mug", "quantity": 10**6, "unit_price": "999999999999999"}]),
        ("source", "shop"),
        ("external_reference", "A-1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(member_client, field, value):
    answer = place(member_client, **{"product_name": "Mug", field: value})

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Order.objects.exists()


def test_a_price_has_as_many_places_as_its_currency(member_client):
    half = [{"name": "Mug", "unit_price": "0.5"}]

    refused = place(member_client, lines=half)
    assert refused.status_code == 400
    assert "KRW" in str(refused.json())
    assert place(member_client, lines=half, currency="USD").json()["total"] == "0.50"
    assert place(member_client, lines=half, currency="KWD").json()["total"] == "0.500"


def test_staff_say_where_an_order_comes_from(staff_client):
    order = place(staff_client, product_name="Mug", source="shop", external_reference="A-1").json()
    taken = place(staff_client, product_name="Bowl", external_reference="A-1")

    assert (order["source"], order["external_reference"]) == ("shop", "A-1")
    assert (taken.status_code, list(taken.json())) == (409, ["external_reference"])


@pytest.mark.parametrize("source", ["쇼핑몰", "a b", "", "x" * 31])
def test_a_source_is_one_word_of_ascii(staff_client, source):
    answer = place(staff_client, product_name="Mug", source=source)

    assert (answer.status_code, list(answer.json())) == (400, ["source"])


NUMBERED = {"order_number": "ABCDEF123456", "lines": LINES, "currency": "USD"}


def test_the_callers_own_number_makes_a_retry_safe(member_client):
    first, again = place(member_client, **NUMBERED), place(member_client, **NUMBERED)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Order.objects.count() == OrderEvent.objects.count() == 1


def test_the_number_is_known_again_after_the_order_went_on(member_client):
    first = place(member_client, **NUMBERED).json()
    member_client.patch(f"/orders/{first['id']}", {"product_name": "Bowl"})
    member_client.post(f"/orders/{first['id']}/cancel")

    again = place(member_client, **NUMBERED)

    assert (again.status_code, again.json()["status"]) == (200, "canceled")


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "EUR"},
        {"product_name": "Other"},
        {"lines": LINES[:1]},
        {"lines": LINES[::-1]},
        {"status": "pending"},
    ],
)
def test_the_number_with_other_content_is_a_conflict(member_client, change):
    place(member_client, **NUMBERED)

    answer = place(member_client, **{**NUMBERED, **change})

    assert (answer.status_code, list(answer.json())) == (409, ["order_number"])


def test_a_conflict_does_not_tell_whose_number_it_is(member_client, client_of, other):
    place(client_of(other), **NUMBERED)

    answer = place(member_client, **NUMBERED)

    assert answer.status_code == 409
    assert str(other.pk) not in answer.content.decode()
    assert other.email not in answer.content.decode()


def test_an_order_is_not_deleted_and_the_answer_says_what_to_do(member_client, member):
    order = OrderFactory(customer=member)

    answer = member_client.delete(f"/orders/{order.order_number}")

    assert answer.status_code == 405
    assert "cancel" in answer.json()["detail"]


def test_what_is_on_its_way_keeps_its_name(staff_client, member_client, member):
    order = OrderFactory(customer=member)
    staff_client.post(f"/orders/{order.pk}/ship")

    answer = member_client.patch(f"/orders/{order.pk}", {"product_name": "Bowl"})

    assert (answer.status_code, list(answer.json())) == (409, ["product_name"])
    staff = staff_client.patch(f"/orders/{order.pk}", {"external_reference": "A-1"})
    assert staff.json()["external_reference"] == "A-1"


def test_a_client_may_send_back_what_it_has_read(member_client, member):
    read = member_client.get(f"/orders/{OrderFactory(customer=member).pk}").json()

    answer = member_client.patch(f"/orders/{read['id']}", read)

    assert (answer.status_code, answer.json()) == (200, read)


def test_a_member_gives_no_order_the_reference_of_another_system(member_client, member):
    order = OrderFactory(customer=member)

    answer = member_client.patch(f"/orders/{order.pk}", {"external_reference": "A-1"})

    assert (answer.status_code, list(answer.json())) == (400, ["external_reference"])
