"""Lists with ?pagination=cursor, and the limits of pages by offset"""

import base64
import random
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.keyset import BadCursor, Cursor, Ordering
from orders.models import Order
from tests.factories import MemberFactory, OrderFactory
from tests.orders.walking import ids, last_url, many_orders, walk

pytestmark = pytest.mark.django_db

PATH = "/orders/"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ORDERINGS = [
    "placed_at",
    "-placed_at",
    "total",
    "-total",
    "id",
    "-id",
    "updated_at",
    "-updated_at",
    "total,-id",
]


def cursor_of(*content) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def some_orders(customer, seed: int, count: int = 23):
    """Orders of few times and totals, so that many tie."""
    dice = random.Random(seed)
    for _ in range(count):
        moment = BEGIN + timedelta(microseconds=dice.randrange(4))
        many_orders(
            customer,
            1,
            total=dice.choice([0, 0, 100]),
            placed_at=moment,
            paymented_at=moment,
            updated_at=moment,
        )


def sorted_ids(ordering: str, **narrowed) -> list[int]:
    """By Python, out of all rows."""
    rows = list(Order.objects.filter(**narrowed))
    names = ordering.split(",")
    if names[-1].removeprefix("-") != "id":
        names.append("-id" if names[-1].startswith("-") else "id")
    for name in reversed(names):
        rows.sort(
            key=lambda row, name=name: getattr(row, name.removeprefix("-")), reverse=name.startswith("-")
        )
    return [row.pk for row in rows]


@pytest.mark.parametrize("who", ["member", "staff"])
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_pages_there_and_back_are_the_sorted_list(request, member, other, who, ordering):
    some_orders(member, seed=1)
    some_orders(other, seed=2, count=7)
    client = request.getfixturevalue(f"{who}_client")
    expected = sorted_ids(ordering, **({"customer": member} if who == "member" else {}))
    first = f"{PATH}?pagination=cursor&limit=4&ordering={ordering}"

    there = walk(client, first)
    back = walk(client, last_url(client, first), towards="previous")

    assert ids(there) == expected
    assert ids(back[::-1]) == expected
    assert [len(page) for page in there[:-1]] == [4] * (len(there) - 1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("towards", ["next", "previous"])
def test_rows_that_arrive_meanwhile_move_no_other_row(member, member_client, seed, towards):
    dice = random.Random(seed)
    some_orders(member, seed=seed)
    ordering = dice.choice(ORDERINGS)
    existed = sorted_ids(ordering)
    first = f"{PATH}?pagination=cursor&limit={dice.randint(1, 6)}&ordering={ordering}"
    url = first if towards == "next" else last_url(member_client, first)
    rounds = iter(range(5))

    def insert():
        if next(rounds, None) is not None:
            some_orders(member, seed=dice.random(), count=3)

    pages = walk(member_client, url, towards=towards, between=insert)

    shown = ids(pages if towards == "next" else pages[::-1])
    assert len(set(shown)) == len(shown)
    assert [pk for pk in shown if pk in set(existed)] == existed
    assert Order.objects.count() > len(existed)


def test_two_thousand_rows_that_tie_are_each_shown_once(member, member_client):
    many_orders(member, 2_050, total=0)

    shown = ids(walk(member_client, f"{PATH}?pagination=cursor&limit=200&ordering=total"))

    assert shown == sorted(shown)
    assert len(set(shown)) == 2_050


def test_the_envelope_has_no_count_and_nothing_is_counted(member, member_client, django_assert_num_queries):
    many_orders(member, 5)

    with django_assert_num_queries(2) as queries:  # the token, the page
        answer = member_client.get(PATH, {"pagination": "cursor", "limit": 2})

    assert list(answer.json()) == ["next", "previous", "results"]
    assert not any("COUNT" in query["sql"] for query in queries.captured_queries)


def test_a_link_keeps_what_was_asked(member, member_client):
    many_orders(member, 5, total=[0, 100])
    following = member_client.get(f"{PATH}?pagination=cursor&limit=1&total_min=1&offset=3").json()["next"]

    assert "limit=1" in following
    assert "total_min=1" in following
    assert "offset" not in following
    assert [order["total"] for order in member_client.get(following).json()["results"]] == ["100"]


@pytest.mark.parametrize("pagination", ["offset", "Cursor", "", "keyset"])
def test_another_pagination_is_refused(member_client, pagination):
    answer = member_client.get(PATH, {"pagination": pagination})

    assert answer.status_code == 400
    assert list(answer.json()) == ["pagination"]


def test_an_offset_is_at_most_ten_thousand(member, member_client):
    many_orders(member, 3)

    assert member_client.get(PATH, {"offset": 10_000}).status_code == 200
    answer = member_client.get(PATH, {"offset": 10_001})
    assert answer.status_code == 400
    assert "pagination=cursor" in answer.json()["offset"][0]


def test_no_link_leads_to_an_offset_that_is_refused(member, member_client):
    many_orders(member, 10_120)
    answer = member_client.get(PATH, {"offset": 9_950, "limit": 100}).json()

    assert answer["count"] == 10_120
    assert len(answer["results"]) == 100
    assert answer["next"] is None


def test_a_page_has_at_most_two_hundred_rows(member, member_client):
    many_orders(member, 202)

    assert len(member_client.get(PATH, {"pagination": "cursor", "limit": 1000}).json()["results"]) == 200


ORDERING = "orders.order -customer_id,-placed_at,-id"
GOOD = ["7", "2026-01-01T00:00:00+00:00", "7"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "🏺",
        "=" * 9,
        "A" * 100_000,
        cursor_of(),
        cursor_of(ORDERING),
        cursor_of(ORDERING, "next"),
        cursor_of(ORDERING, "sideways", *GOOD),
        cursor_of(ORDERING, "next", *GOOD, "7"),
        cursor_of(ORDERING, "next", "7", "yesterday", "7"),
        cursor_of(ORDERING, "next", "7", "2026-01-01T00:00:00", "7"),
        cursor_of(ORDERING, "next", "7", "2026-01-01", "7"),
        cursor_of(ORDERING, "next", "7", "0001-01-01T00:00:00+14:00", "7"),
        cursor_of(ORDERING, "next", "7", "9999-12-31T23:59:59-14:00", "7"),
        cursor_of(ORDERING, "next", "seven", *GOOD[1:]),
        cursor_of(ORDERING, "next", "7", GOOD[1], "9" * 30),
        cursor_of(ORDERING, "next", 7, GOOD[1], 7),
        cursor_of(ORDERING, "next", ["7"], {}, None),
        cursor_of("accounts.member id", "next", "7"),
        cursor_of("orders.order -customer_id,-total,-id", "next", "7", "0", "7"),
        cursor_of("orders.order -placed_at,-id", "next", *GOOD[1:]),
    ],
)
def test_a_cursor_that_is_none_of_this_list_is_refused(member_client, cursor):
    answer = member_client.get(PATH, {"pagination": "cursor", "cursor": cursor})

    assert answer.status_code == 400
    assert list(answer.json()) == ["cursor"]


@pytest.mark.parametrize("total", ["NaN", "Infinity", "1e999999", "-1e999999", "1e20", "0.00001", "x"])
def test_an_amount_that_no_column_holds_is_refused(staff_client, total):
    cursor = cursor_of("orders.order total,id", "next", total, "7")
    answer = staff_client.get(PATH, {"pagination": "cursor", "ordering": "total", "cursor": cursor})

    assert answer.status_code == 400
    assert list(answer.json()) == ["cursor"]


@given(
    st.binary(max_size=200) | st.text(max_size=50).map(lambda text: orjson.dumps([ORDERING, "next", text]))
)
def test_whatever_is_sent_is_read_or_refused(sent):
    ordering = Ordering(Order.objects.order_by("-customer_id", "-placed_at", "-id"))
    text = base64.urlsafe_b64encode(sent).decode()

    with pytest.raises(BadCursor):
        ordering.read(text)


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.booleans(),
)
def test_what_a_row_holds_is_read_as_it_was_written(pk, moment, backwards):
    ordering = Ordering(Order.objects.order_by("-placed_at"))
    written = ordering.cursor_at(Order(pk=pk, placed_at=moment), backwards=backwards)

    assert ordering.read(str(written)) == written


@pytest.mark.parametrize(
    "position",
    [
        ("9" * 18, "0999-01-01T00:00:00+00:00", "1"),
        ("-9", "9999-12-31T00:00:00+00:00", "-9"),
        ("9" * 30, "2026-01-01T00:00:00+00:00", "9"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_made_up_position_shows_own_orders_or_none(member, member_client, other, position, backwards):
    mine, _ = OrderFactory(customer=member), OrderFactory(customer=other)
    cursor = str(Cursor(ORDERING, position, backwards))

    answer = member_client.get(PATH, {"pagination": "cursor", "cursor": cursor})

    assert answer.status_code == 200
    assert ids([answer.json()["results"]]) in ([], [mine.pk])


def test_the_cursor_of_somebody_else_shows_nothing_of_theirs(member_client, other, client_of):
    many_orders(other, 5)
    theirs = client_of(other).get(f"{PATH}?pagination=cursor&limit=2").json()["next"]

    assert member_client.get(theirs).json()["results"] == []


def test_a_cursor_alone_is_enough(member, member_client):
    many_orders(member, 3)
    following = member_client.get(f"{PATH}?pagination=cursor&limit=2").json()["next"]

    answer = member_client.get(following.replace("&pagination=cursor", ""))

    assert len(answer.json()["results"]) == 1


def test_members_and_events_have_cursors_too(staff_client, member):
    MemberFactory.create_batch(4)
    order = OrderFactory(customer=member)
    for text in "abc":
        staff_client.post(f"{PATH}{order.pk}/notes", {"text": text})

    members = walk(staff_client, "/accounts/users?pagination=cursor&limit=2&ordering=-name")
    events = walk(staff_client, f"{PATH}{order.pk}/events?pagination=cursor&limit=3")

    assert len(set(ids(members))) == len(ids(members)) == 6
    assert [event["seq"] for page in events for event in page] == [1, 2, 3, 4]
    assert [len(page) for page in events] == [3, 1]


def test_the_count_neither_joins_nor_sorts(staff_client, member, django_assert_max_num_queries):
    many_orders(member, 3)
    with django_assert_max_num_queries(12) as queries:
        staff_client.get(PATH, {"status": "paid", "sku": "", "limit": 3})
        staff_client.get("/accounts/users", {"ordering": "email", "limit": 2})

    counts = [query["sql"] for query in queries.captured_queries if "SELECT COUNT(*)" in query["sql"]]
    assert len(counts) == 2
    for count in counts:
        assert "JOIN" not in count
        assert "ORDER BY" not in count
        assert "last_order" not in count
