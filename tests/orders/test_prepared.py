"""Statements that are made once say what their querysets say, for whoever asks"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken

from accounts.services import log_in
from drf_oms import page_queries
from orders.keyset import Ordering
from orders.models import Order
from orders.prepared import Prepared
from orders.selectors import orders_of
from tests.factories import MemberFactory
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db


def statement_of(action) -> str:
    with CaptureQueriesContext(connection) as captured:
        action()
    (query,) = captured.captured_queries
    return query["sql"]


def pages_of(member, limit: int):
    """(cursor, rows as the queryset has them) of each page forwards, and back again."""
    plain = orders_of(member.pk).all()
    assert page_queries.recipe_of(plain) is None
    ordering, cursors = Ordering(plain), [None]
    for cursor in cursors:
        rows = list(ordering.page(plain, cursor)[:limit])
        yield cursor, rows
        if rows:
            cursors += [ordering.cursor_at(rows[-1], backwards=bool(cursor and cursor.backwards))]
            if cursor is None:
                cursors += [ordering.cursor_at(list(plain)[-1], backwards=True)]


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_each_page_has_the_rows_and_the_statement_of_its_queryset(member, other, limit):
    many_orders(member, 3)
    many_orders(other, 2)
    for whose in (member, other, MemberFactory()):
        orders = orders_of(whose.pk)
        ordering = page_queries.ordering_of(orders)
        for cursor, rows in pages_of(whose, limit):
            assert page_queries.rows_of(orders, ordering, cursor, limit) == rows
            made_anew = ordering.page(orders.all(), cursor)[:limit]
            mine = statement_of(lambda at=cursor: page_queries.rows_of(orders, ordering, at, limit))  # noqa: B023
            assert mine == statement_of(lambda query=made_anew: list(query))
        assert page_queries.count_of(orders) == orders.all().count()


def test_rows_are_whole_instances(member):
    (order,) = many_orders(member, 1)
    (row,) = page_queries.rows_of(orders_of(member.pk), Ordering(orders_of(member.pk)), None, 1)

    assert {**vars(row), "_state": None} == {**vars(Order.objects.get(pk=order.pk)), "_state": None}
    assert (row._state.db, row._state.adding) == ("default", False)


@pytest.mark.parametrize(
    "change",
    [
        lambda orders: orders.filter(status="paid"),
        lambda orders: orders.exclude(status="paid"),
        lambda orders: orders.order_by("total"),
        lambda orders: orders.all(),
        lambda orders: orders[:5],
    ],
)
def test_what_is_not_the_whole_history_is_made_anew(member, change):
    assert page_queries.recipe_of(orders_of(member.pk)) is not None
    assert page_queries.recipe_of(change(orders_of(member.pk))) is None


def test_related_rows_come_along(member, django_assert_num_queries):
    auth_token, _ = log_in(member)
    tokens = Prepared(lambda digest: AuthToken.objects.select_related("user").filter(digest=digest), "sample")

    with django_assert_num_queries(1):
        (found,) = tokens.rows(AuthToken, auth_token.digest)
        assert (found, found.user, found.user.is_active) == (auth_token, member, True)
    assert found.expiry == auth_token.expiry
    assert tokens.rows(AuthToken, "another") == []


def test_a_value_of_its_own_in_the_statement_is_an_error():
    wrong = Prepared(lambda member_id: Order.objects.filter(customer_id=member_id, version=7), -1)

    with pytest.raises(ValueError, match="7"):
        wrong.rows(Order, 1)


def test_samples_that_are_alike_are_an_error():
    with pytest.raises(ValueError, match="alike"):
        Prepared(lambda member_id, version: Order.objects.filter(customer=member_id, version=version), 1, 1)


@pytest.mark.django_db(transaction=True)
def test_threads_and_lost_connections():
    """Each thread has statements of its own connection, which may be made again."""
    members = [MemberFactory() for _ in range(4)]
    wanted = {member.pk: [order.pk for order in reversed(many_orders(member, 3))] for member in members}

    def read(member) -> list[int]:
        found = []
        for _ in range(2):
            orders = orders_of(member.pk)
            rows = page_queries.rows_of(orders, page_queries.ordering_of(orders), None, 3)
            found.append([row.pk for row in rows])
            connections["default"].close()
        assert found[0] == found[1]
        return found[0]

    with ThreadPoolExecutor(4) as pool:
        assert dict(zip(wanted, pool.map(read, members), strict=True)) == wanted
