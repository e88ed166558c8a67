"""GET and POST /orders/, GET and PATCH /orders/{reference}"""

import re

import pytest

from orders import placing
from orders.models import Order
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db

PATH = "/orders/"


def numbers(answer):
    return [order["order_number"] for order in answer.json()["results"]]


def test_a_product_name_is_enough_to_place_an_order(member, member_client):
    answer = member_client.post(PATH, {"product_name": "머그컵 🏺"})

    assert answer.status_code == 201
    order = answer.json()
    assert order["customer"] == member.pk
    assert order["product_name"] == "머그컵 🏺"
    assert re.fullmatch("[0-9A-Z]{12}", order["order_number"])
    assert order["paymented_at"].endswith("+09:00")
    assert member_client.get(f"{PATH}{order['id']}").json() == order
    assert member_client.get(f"{PATH}{order['order_number']}/").json() == order


def test_a_given_number_is_kept(member_client):
    order = member_client.post(PATH, {"product_name": "Mug", "order_number": "ABCDEF123456"}).json()

    assert order["order_number"] == "ABCDEF123456"


def test_a_number_of_digits_is_found_as_a_number(member_client):
    order = member_client.post(PATH, {"product_name": "Mug", "order_number": "123456789012"}).json()

    assert member_client.get(f"{PATH}123456789012").json() == order


def test_a_taken_number_is_a_conflict_that_names_the_field(member_client, other):
    taken = OrderFactory(customer=other)

    answer = member_client.post(PATH, {"product_name": "Mug", "order_number": taken.order_number})

    assert answer.status_code == 409
    assert list(answer.json()) == ["order_number"]
    assert Order.objects.count() == 1


def test_a_generated_number_that_is_taken_is_replaced_by_another(member, monkeypatch):
    taken = OrderFactory(customer=member).order_number
    monkeypatch.setattr(placing, "generated_numbers", lambda: [taken, "AAAABBBBCCCC"])

    assert OrderFactory(customer=member).order_number == "AAAABBBBCCCC"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_number", "short"),
        ("order_number", "abcdef123456"),
        ("order_number", "ABCDEF12345é"),
        ("order_number", "ABCDEF1234567"),
        ("order_number", ""),
        ("order_number", []),
        ("product_name", ""),
        ("product_name", "   "),
        ("product_name", "x" * 201),
        ("product_name", None),
        ("product_name", {"a": 1}),
        ("product_name", "nul\x00"),
    ],
)
def test_bad_input_names_the_field(member_client, field, value):
    answer = member_client.post(PATH, {"product_name": "Mug", field: value})

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "customer", [lambda other: other.pk, lambda other: other.pk + 999, lambda other: "x"]
)
def test_a_member_orders_only_for_themselves(member_client, other, customer):
    answer = member_client.post(PATH, {"product_name": "Mug", "customer": customer(other)})

    assert answer.status_code == 403
    assert not Order.objects.exists()


def test_a_member_may_name_themselves(member, member_client):
    for customer in (member.pk, str(member.pk), None):
        answer = member_client.post(PATH, {"product_name": "Mug", "customer": customer})
        assert answer.json()["customer"] == member.pk


def test_staff_order_for_anybody(staff_client, member):
    assert (
        staff_client.post(PATH, {"product_name": "Mug", "customer": member.pk}).json()["customer"]
        == member.pk
    )
    assert list(staff_client.post(PATH, {"product_name": "Mug", "customer": 10**9}).json()) == ["customer"]


def test_own_orders_newest_first(member, member_client, other):
    placed = [OrderFactory(customer=member).order_number for _ in range(3)]
    OrderFactory(customer=other)

    answer = member_client.get(PATH)

    assert set(answer.json()) == {"count", "next", "previous", "results"}
    assert numbers(answer) == placed[::-1]


def test_staff_see_all_and_narrow(staff_client, member, other):
    mine, theirs = OrderFactory(customer=member), OrderFactory(customer=other, product_name="도자기")

    assert numbers(staff_client.get(PATH)) == [theirs.order_number, mine.order_number]
    assert numbers(staff_client.get(PATH, {"customer": member.pk})) == [mine.order_number]
    assert numbers(staff_client.get(PATH, {"product_name": "도자기"})) == [theirs.order_number]
    for term in (other.email, "lovelace", theirs.order_number, "도자"):
        assert numbers(staff_client.get(PATH, {"search": term})) == [theirs.order_number], term
    assert numbers(staff_client.get(PATH, {"customer": 10**30})) == []


@pytest.mark.parametrize("customer", ["x", "1.5", "-1", "NaN"])
def test_a_filter_that_is_no_id_is_a_400(staff_client, customer):
    answer = staff_client.get(PATH, {"customer": customer})

    assert answer.status_code == 400
    assert list(answer.json()) == ["customer"]


def test_a_member_cannot_look_at_others_through_filters(member_client, other):
    theirs = OrderFactory(customer=other)

    assert numbers(member_client.get(PATH, {"customer": other.pk})) == []
    assert numbers(member_client.get(PATH, {"search": theirs.order_number})) == []


def test_the_list_counts_only_what_the_page_does_not_tell(member, member_client, django_assert_num_queries):
    OrderFactory.create_batch(25, customer=member)

    for query, rows in (({}, 25), ({"limit": 26}, 25), ({"offset": 20}, 5)):
        with django_assert_num_queries(2):  # the token, the page
            answer = member_client.get(PATH, query)
        assert (len(numbers(answer)), answer.json()["count"]) == (rows, 25)
    for query, rows in (({"limit": 25}, 25), ({"limit": 7}, 7), ({"offset": 25}, 0), ({"offset": 99}, 0)):
        with django_assert_num_queries(3):  # and the count
            answer = member_client.get(PATH, query)
        assert (len(numbers(answer)), answer.json()["count"]) == (rows, 25)


def test_an_order_of_somebody_else_is_not_to_be_found(member_client, other):
    theirs = OrderFactory(customer=other)

    for reference in (theirs.pk, theirs.order_number):
        assert member_client.get(f"{PATH}{reference}").status_code == 404
        assert member_client.patch(f"{PATH}{reference}", {"product_name": "Mine"}).status_code == 404


def test_the_product_name_can_be_changed_by_owner_and_staff(member, member_client, staff_client):
    order = OrderFactory(customer=member)

    assert member_client.patch(f"{PATH}{order.pk}", {"product_name": "Bowl"}).json()["product_name"] == "Bowl"
    staff_client.patch(f"{PATH}{order.order_number}", {"product_name": "Plate"})
    assert member_client.get(f"{PATH}{order.pk}").json()["product_name"] == "Plate"


@pytest.mark.parametrize("field", ["customer", "order_number", "id", "placed_at", "paymented_at"])
def test_what_cannot_be_changed_is_refused_by_name(staff_client, field):
    order = OrderFactory()
    someone = MemberFactory()

    answer = staff_client.patch(f"{PATH}{order.pk}", {field: someone.pk, "product_name": "Bowl"})

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert Order.objects.get().product_name == order.product_name


@pytest.mark.parametrize("method", ["put", "delete"])
def test_other_methods_are_405(member, member_client, method):
    order = OrderFactory(customer=member)

    assert getattr(member_client, method)(f"{PATH}{order.pk}", {}).status_code == 405
    assert Order.objects.filter(pk=order.pk).exists()


def test_a_token_is_needed(anonymous, db):
    assert anonymous.get(PATH).status_code == 401
    assert anonymous.post(PATH, {"product_name": "Mug"}).status_code == 401
