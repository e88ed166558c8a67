"""A page of a long list reads as many rows as it shows, wherever it is, as the server counts them"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import Member
from orders.exporting import csv_of
from orders.keyset import Ordering
from orders.models import Order, OrderEvent, OrderLine
from orders.selectors import everybodys_orders, orders_of
from tests.factories import MemberFactory
from tests.orders.walking import many_orders

THEIRS, OTHERS = 4_000, 1_500
PAGE = 30
PROPORTIONATE = 3 * PAGE  # rows that a page may read
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = {500: "returned"}
LIST = "/orders/?pagination=cursor"


@pytest.fixture(scope="module")
def owner(django_db_setup, django_db_blocker) -> Iterator[Member]:
    """Somebody with a long history, committed and analyzed, so that plans are those of a real table.

    Other people's orders are the newest. Two of three cost nothing; every tenth is shipped, and one in
    a thousand has come back.
    """
    with django_db_blocker.unblock():
        owner, stranger = MemberFactory(), MemberFactory()
        for customer, count, begin in (
            (owner, THEIRS, BEGIN),
            (stranger, OTHERS, BEGIN + timedelta(days=30)),
        ):
            many_orders(
                customer,
                count,
                placed_at=[begin + timedelta(seconds=n) for n in range(count)],
                updated_at=[begin + timedelta(seconds=n) for n in range(count)],
                total=[0, 0, 100],
                status=[
                    "returned" if n == 500 else "delivered" if n % 10 else "shipped" for n in range(1000)
                ],
            )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE orders_order")
            cursor.fetchall()
        yield owner
        for model in (OrderEvent, OrderLine, Order, Member):
            model.objects.all().delete()


@pytest.fixture
def reader(request, owner, db, client_of):
    """A function from a URL to how many rows its page reads; for the owner and for staff."""
    client = client_of(owner if request.param == "member" else MemberFactory(is_staff=True))

    def rows_read(url: str, shown: int = PAGE) -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            answer = client.get(url)
        assert len(answer.json()["results"]) == shown
        found = [query["sql"] for query in captured if "FROM `orders_order`" in query["sql"]]
        return sum(reads_of(sql) for sql in found if "COUNT(*)" not in sql)

    rows_read.client = client
    rows_read.orders = orders_of(owner.pk) if request.param == "member" else everybodys_orders()
    return rows_read


def reads_of(sql: str, parameters=None) -> int:
    """What the server has read for the statement, through indexes and in rows."""

    def counted() -> int:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())

    with connection.cursor() as cursor:
        before = counted()
        cursor.execute(sql, parameters)
        cursor.fetchall()
        return counted() - before


def deep_in(orders, ordering: str, part: float, query: str = "") -> str:
    """The URL of the page that begins after this part of the list."""
    sorting = Ordering(orders.order_by(ordering))
    before = sorting.apply(orders)[int(orders.count() * part)]
    return f"{LIST}&ordering={ordering}{query}&cursor={sorting.cursor_at(before)}"


BOTH = pytest.mark.parametrize("reader", ["member", "staff"], indirect=True)
ORDERINGS = ["-placed_at", "placed_at", "-total", "total", "-id", "id", "-updated_at", "updated_at"]


@BOTH
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_the_first_page_reads_what_it_shows(reader, ordering):
    assert reader(f"{LIST}&ordering={ordering}") <= PROPORTIONATE


@BOTH
@pytest.mark.parametrize("part", [0.5, 0.95])
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_deep_page_reads_what_it_shows(reader, ordering, part):
    assert reader(deep_in(reader.orders, ordering, part)) <= PROPORTIONATE


@BOTH
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_page_on_the_way_back_reads_what_it_shows(reader, ordering):
    sorting = Ordering(reader.orders.order_by(ordering))
    row = sorting.apply(reader.orders)[3_000]

    assert (
        reader(f"{LIST}&ordering={ordering}&cursor={sorting.cursor_at(row, backwards=True)}") <= PROPORTIONATE
    )


@BOTH
def test_a_page_of_one_status_reads_what_it_shows(reader):
    shipped = reader.orders.filter(status="shipped")

    assert reader(f"{LIST}&status=shipped") <= PROPORTIONATE
    assert reader(deep_in(shipped, "-placed_at", 0.9, "&status=shipped")) <= PROPORTIONATE


@BOTH
def test_a_rare_status_is_found_without_looking_through_the_others(reader):
    rare = reader.orders.filter(status="returned").count()

    assert 4 <= rare <= 6
    assert reader(f"{LIST}&status=returned", rare) <= 2 * rare


@BOTH
def test_polling_reads_what_it_shows(reader):
    since = (BEGIN + timedelta(seconds=2_000)).isoformat().replace("+", "%2B")

    assert reader(f"{LIST}&changed_since={since}") <= PROPORTIONATE


@BOTH
def test_a_page_by_offset_reads_all_that_it_skips(reader):
    assert reader("/orders/?offset=3900") >= 3_900


@pytest.mark.django_db
def test_without_their_index_all_would_be_read(owner):
    orders = orders_of(owner.pk)
    sql, parameters = Ordering(orders).apply(orders)[: PAGE + 1].query.sql_with_params()
    without = sql.replace("IGNORE INDEX (", "IGNORE INDEX (`order_history`, ")

    assert without != sql
    assert reads_of(sql, parameters) <= PROPORTIONATE
    assert reads_of(without, parameters) >= THEIRS


@pytest.mark.django_db
@pytest.mark.parametrize(("ordering", "status"), [("-id", None), ("-placed_at", "shipped")])
def test_asked_plainly_other_rows_are_read_too(owner, ordering, status):
    """What the sorting within the member, and the indexes that are left out, are for."""
    narrowed = {"status": status} if status else {}
    read = []
    plain = Order.objects.filter(customer_id__gte=owner.pk, customer_id__lte=owner.pk)
    for orders in (plain, orders_of(owner.pk)):
        page = Ordering(orders.order_by(ordering)).apply(orders.filter(**narrowed))[: PAGE + 1]
        read.append(reads_of(*page.query.sql_with_params()))

    assert read[0] > 5 * PAGE
    assert read[1] <= PROPORTIONATE


@pytest.mark.django_db
@pytest.mark.parametrize("emails", [False, True], ids=["", "with emails"])
@pytest.mark.parametrize("whose", ["the owner's", "everybody's"])
def test_an_export_reads_what_it_writes(owner, whose, emails):
    orders = orders_of(owner.pk, among=everybodys_orders()) if whose == "the owner's" else everybodys_orders()
    with CaptureQueriesContext(connections["default"]) as captured:
        pieces = list(csv_of(orders, emails=emails, batch=PAGE))
    found = [query["sql"] for query in captured if "FROM `orders_order`" in query["sql"]]

    assert len(found) == len(pieces) > 8
    # An email is one more; of a table as small as this some batches are sorted, not walked.
    assert sum(map(reads_of, found)) <= 4 * orders.count()


@BOTH
@pytest.mark.parametrize("offset", [0, 99, 100, 3_990])
def test_a_page_by_offset_is_that_part_of_the_list(reader, offset):
    ordered = Ordering(reader.orders).apply(reader.orders).values_list("pk", flat=True)
    expected = list(ordered[offset : offset + 10])

    shown = reader.client.get("/orders/", {"offset": offset, "limit": 10}).json()

    assert [order["id"] for order in shown["results"]] == expected
    assert shown["count"] == reader.orders.count()


def test_the_sums_of_a_member_are_read_from_an_index(owner, client_of, db):
    with CaptureQueriesContext(connections["default"]) as captured:
        shown = client_of(owner).get(f"/accounts/users/{owner.pk}").json()
    assert shown["order_count"] == THEIRS
    (sums,) = [query["sql"] for query in captured if "SUM(" in query["sql"] and "GROUP BY" in query["sql"]]

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {sums}")
        assert "Using index" in cursor.fetchall()[0][-1]
