"""GET /orders/stats"""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from django.urls import resolve
from django.utils import timezone

from orders.buckets import buckets
from orders.lifecycle import PaymentStatus, Status
from orders.models import Order, OrderLine
from routers.levels import bounded, level_of
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db

PATH = "/orders/stats"
ZONES = ["Asia/Seoul", "Europe/Berlin", "America/Sao_Paulo"]
# Around the end of summer time in Berlin on 2026-10-25, and its beginning on 2026-03-29.
WINDOWS = [("2026-10-20", "2026-11-03"), ("2026-03-27T13:00:00Z", "2026-04-02T05:30:00Z")]


def moment(text: str, zone: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))


def mixed_orders(customer, dice: random.Random, start: datetime, end: datetime, count: int = 60) -> None:
    """Orders in every state, some at midnights of the zones and some outside the window."""
    span = int((end - start) / timedelta(seconds=1))
    for _ in range(count):
        placed = start + timedelta(seconds=dice.randint(-span // 4, span * 5 // 4))
        if dice.random() < 0.4:
            zone = ZoneInfo(dice.choice(ZONES))
            local = placed.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
            placed = local.astimezone(UTC) - timedelta(microseconds=dice.choice([0, 1]))
        paid, total = dice.choice(["unpaid", "paid", "part", "refunded"]), Decimal(dice.randint(2, 99))
        refunded = {"part": total - 1, "refunded": total}.get(paid, Decimal(0))
        status = dice.choice([s.value for s in Status if paid == "unpaid" or s != Status.PENDING])
        (order,) = many_orders(
            customer,
            1,
            placed_at=placed,
            status=status,
            currency=dice.choice(["KRW", "USD"]),
            total=total,
            refunded_total=refunded,
            payment_status={"part": PaymentStatus.PARTIALLY_REFUNDED.value}.get(paid, paid),
            paymented_at=None if paid == "unpaid" else placed,
        )
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                position=position,
                name=dice.choice(["Mug", "mug", "Múg", "Bowl"]),
                sku=dice.choice(["", "A", "a"]),
                quantity=dice.randint(1, 9),
            )
            for position in range(1, dice.randint(1, 4))
        )


@pytest.fixture
def callers(member, member_client, other, staff_client):
    return (member, member_client), (other, staff_client)


def first_day_of(day: date, by: str) -> date:
    """In other words than the service's."""
    year, week, _ = day.isocalendar()
    return {"day": day, "week": date.fromisocalendar(year, week, 1), "month": date(day.year, day.month, 1)}[
        by
    ]


def by_python(orders: list[Order], by: str, zone: str, start: datetime, end: datetime) -> dict:
    """The same figures, row by row."""
    tz, received, counts, statuses = ZoneInfo(zone), Counter(), Counter(), Counter(dict.fromkeys(Status, 0))
    within = [order for order in orders if start <= order.placed_at < end]
    in_bucket, pieces = Counter(), Counter()
    for order in within:
        first = first_day_of(order.placed_at.astimezone(tz).date(), by)
        counts[first] += 1
        statuses[order.status] += 1
        if order.payment_status != "unpaid":
            received[order.currency] += order.total - order.refunded_total
            in_bucket[first, order.currency] += order.total - order.refunded_total
        for line in order.lines.all():
            pieces[line.name, line.sku] += line.quantity
    first, last = (
        first_day_of(m.astimezone(tz).date(), by) for m in (start, end - timedelta(microseconds=1))
    )
    days = sorted({first_day_of(first + timedelta(days=n), by) for n in range((last - first).days + 1)})
    top = sorted(pieces.items(), key=lambda item: (-item[1], item[0]))[:10]
    places = {"KRW": Decimal(1), "USD": Decimal("0.01")}
    shown = {c: lambda amount, c=c: str(Decimal(amount).quantize(places[c])) for c in sorted(received)}
    return {
        "orders": len(within),
        "revenue": {c: text(received[c]) for c, text in shown.items()},
        "by_status": {status.value: statuses[status] for status in Status},
        "buckets": [
            {
                "day": day.isoformat(),
                "orders": counts[day],
                "revenue": {c: text(in_bucket[day, c]) for c, text in shown.items()},
            }
            for day in days
        ],
        "top_products": [{"name": name, "sku": sku, "quantity": n} for (name, sku), n in top],
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_the_figures_are_those_of_plain_python(callers, zone, window, by):
    (member, member_client), (other, staff_client) = callers
    start, end = (moment(text, zone) for text in window)
    mixed_orders(member, random.Random(zone + by), start, end)
    mixed_orders(other, random.Random(by + zone), start, end, count=15)

    with override_settings(TIME_ZONE=zone):
        for client, customers in ((member_client, [member]), (staff_client, [member, other])):
            shown = client.get(PATH, {"from": window[0], "to": window[1], "by": by}).json()
            orders = list(Order.objects.filter(customer__in=customers).prefetch_related("lines"))
            expected = by_python(orders, by, zone, start, end)
            assert {name: shown[name] for name in expected} == expected
            assert shown["time_zone"] == zone


def test_no_time_zone_tables_of_mysql_are_needed(member, member_client, django_assert_num_queries):
    many_orders(member, 2)

    with django_assert_num_queries(3) as queries:  # the token, the groups, the top products
        member_client.get(PATH)

    assert not any("CONVERT_TZ" in query["sql"] for query in queries.captured_queries)


def test_a_day_of_summer_times_end_has_25_hours(member, member_client):
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Berlin
    many_orders(member, 25, placed_at=[start + timedelta(hours=n) for n in range(25)])

    with override_settings(TIME_ZONE="Europe/Berlin"):
        shown = member_client.get(PATH, {"from": "2026-10-24", "to": "2026-10-27"}).json()

    assert [(bucket["day"], bucket["orders"]) for bucket in shown["buckets"]] == [
        ("2026-10-24", 0),
        ("2026-10-25", 25),
        ("2026-10-26", 0),
    ]


@override_settings(TIME_ZONE="Pacific/Apia")
def test_a_day_that_a_zone_has_skipped_has_no_bucket():
    found = buckets(datetime(2011, 12, 28, 12, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC), "day")

    assert [bucket.day.day for bucket in found] == [28, 29, 31, 1]


def test_the_last_thirty_days_are_the_default(member, member_client):
    today = timezone.localdate()

    shown = member_client.get(PATH).json()

    assert [bucket["day"] for bucket in shown["buckets"]] == [
        (today - timedelta(days=days)).isoformat() for days in range(29, -1, -1)
    ]
    assert shown["orders"] == 0
    assert shown["revenue"] == {}


def test_own_figures_for_members_and_any_for_staff(member, other, member_client, staff_client):
    many_orders(member, 2)
    many_orders(other, 3)

    assert member_client.get(PATH).json()["orders"] == 2
    assert member_client.get(PATH, {"customer": member.pk}).json()["orders"] == 2
    assert member_client.get(PATH, {"customer": other.pk}).json()["orders"] == 0
    assert staff_client.get(PATH).json()["orders"] == 5
    assert staff_client.get(PATH, {"customer": other.pk}).json()["orders"] == 3


def test_staff_without_the_permission_are_members_like_others(powerless_staff, client_of, other):
    many_orders(other, 1)

    assert client_of(powerless_staff).get(PATH).json()["orders"] == 0


def test_a_token_is_needed(anonymous, db):
    assert anonymous.get(PATH).status_code == 401


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"by": "hour"}, "by"),
        ({"customer": "me"}, "customer"),
        ({"customer": "0"}, "customer"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "to"),
        ({"from": "2026-02-01", "to": "2026-02-01"}, "to"),
        ({"from": "2126-01-01"}, "from"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "1001-01-01", "to": "9998-12-31", "by": "month"}, "from"),
        ({"to": "0001-01-01"}, "to"),
    ],
)
def test_a_query_that_is_none_is_refused_by_name(member_client, query, named):
    answer = member_client.get(PATH, query)

    assert answer.status_code == 400
    assert list(answer.json()) == [named]


def test_eight_hundred_buckets_are_the_most(member_client):
    start = date(2024, 1, 1)

    def ask(days: int):
        return member_client.get(PATH, {"from": start, "to": start + timedelta(days=days)})

    assert len(ask(800).json()["buckets"]) == 800
    refused = ask(801)
    assert refused.status_code == 400
    assert "month" in refused.json()["from"][0]
    assert member_client.get(PATH, {"from": "1001-01-01", "to": "1001-01-02"}).status_code == 200
    assert (
        member_client.get(PATH, {"from": "9998-12-30", "to": "9998-12-31", "by": "month"}).status_code == 200
    )


def test_a_replica_may_answer_that_is_a_minute_behind():
    assert level_of(resolve(PATH).func, "GET") == bounded(60)


def test_a_dead_token_gets_no_figures(member_client):
    assert member_client.post("/auth/logout").status_code == 204

    assert member_client.get(PATH).status_code == 401
