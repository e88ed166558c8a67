"""The lists of the back office: so many statements whatever there is, and no row counted."""

import re
from decimal import Decimal

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.placing import Line
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(staff) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def statements(office: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connections["default"]) as captured:
        assert office.get(path).status_code == 200
    return [query["sql"] for query in captured]


def numbers(office: Client, path: str) -> list[str]:
    return [order.order_number for order in office.get(path).context["cl"].result_list]


@pytest.mark.parametrize(
    "path", ["/admin/orders/order/", "/admin/orders/order/?customer={}", "/admin/accounts/member/"]
)
def test_a_longer_list_takes_no_more_statements_and_counts_nothing(office, path):
    first = OrderFactory()
    few = statements(office, path.format(first.customer_id))
    for _ in range(12):
        OrderFactory()
        OrderFactory(customer=first.customer)
    many = statements(office, path.format(first.customer_id))

    assert len(many) == len(few)
    assert not any("COUNT(" in statement for statement in many)
    assert not any(re.search(r"JOIN `accounts_member`", statement) for statement in many)


def test_pages_follow_each_other_without_a_gap(office):
    placed = [OrderFactory().order_number for _ in range(65)]
    seen, path = [], ""
    while True:
        shown = office.get(f"/admin/orders/order/{path}").context["cl"]
        seen += [order.order_number for order in shown.result_list]
        OrderFactory()  # moves no row to another page
        if shown.older is None:
            break
        path = shown.older

    assert seen == placed[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q={number}", True),
        ("q={email}", True),
        ("q=Grace", True),
        ("q=Grace+Nobody", False),
        ("q=rare", True),
        ("q=" + "0" * 12, False),
        ("status=paid", True),
        ("status=shipped", False),
        ("payment_status=paid", True),
        ("total_min=0&total_max=5", True),
        ("total_min=5", False),
        ("placed_after=2020-01-01", True),
        ("placed_before=2020-01-01", False),
        ("customer={customer}", True),
        ("customer={customer}&status=shipped", False),
    ],
)
def test_an_order_is_found(office, query, found):
    order = OrderFactory(customer=MemberFactory(name="Grace Kim"), product_name="A rare mug")
    facts = {"number": order.order_number, "email": order.customer.email, "customer": order.customer_id}

    assert numbers(office, f"/admin/orders/order/?{query.format(**facts)}") == [order.order_number] * found


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("total_min=abc", "amount, at least: Enter a number."),
        ("placed_after=yesterday", "A date or a time of ISO 8601 is expected"),
        ("cursor=nonsense", "This is no cursor"),
        ("customer=0", "There is no such member."),
    ],
)
def test_what_cannot_be_read_is_named(office, query, sentence):
    assert sentence in office.get(f"/admin/orders/order/?{query}").content.decode()


def test_many_members_of_one_name_are_not_all_looked_for(office):
    for _ in range(21):
        OrderFactory(customer=MemberFactory(name="Minsu Kim"))
    shown = office.get("/admin/orders/order/?q=Minsu")

    assert len(shown.context["cl"].result_list) == 20
    assert "More than 20 members are meant" in shown.content.decode()


def test_the_download_has_what_the_list_shows(office):
    shipped, other = OrderFactory(product_name="Bowl"), OrderFactory()
    answer = office.get("/admin/orders/order/export/?q=Bowl")
    text = b"".join(answer.streaming_content).decode()

    assert shipped.order_number in text
    assert other.order_number not in text
    assert shipped.customer.email in text


def test_the_first_page_sums_up(office):
    OrderFactory(lines=[Line("Mug", 2, Decimal(500))])
    OrderFactory(status="pending", lines=[Line("Bowl", 1, Decimal(700))])
    shown = office.get("/admin/").context

    assert shown["today"] == {"orders": 2, "revenue": ["1,000 KRW"]}
    assert shown["month"]["orders"] == 2
    assert [product["name"] for product in shown["top_products"]] == ["Mug", "Bowl"]
    assert [bar["value"] for bar in shown["trend"]][-1] == 2
    assert len(shown["newest"]) == 2
