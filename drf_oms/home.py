"""What the first page of the back office shows: figures of today, of this month and of its days, in SQL.

Two statements read orders by the time they were placed, from an index that has all they need
(`order_figures`); a third reads the lines of the last days.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from orders import labels
from orders.buckets import Bucket, buckets
from orders.charts import bars
from orders.lifecycle import Status
from orders.models import Order
from orders.moments import start_of
from orders.shown import chip, shown_amount, shown_order
from orders.stats import amounts, grouped, pieces_of

TREND_DAYS = 14
PRODUCT_DAYS = 7
NEWEST, TOP = 8, 5


def figures() -> dict[str, Any]:
    """The context of `drf_oms/home.html`."""
    now = timezone.now()
    today = timezone.localdate(now)
    first = min(today.replace(day=1), today - timedelta(days=TREND_DAYS - 1))
    days = buckets(start_of(first), now, "day")
    rows = list(grouped(placed_between(days[0].start, now), days))
    recent = placed_between(start_of(today - timedelta(days=PRODUCT_DAYS - 1)), now)
    month = [row for row in rows if days[row[0]].day >= today.replace(day=1)]
    return {
        "today": summed([row for row in rows if days[row[0]].day == today]),
        "month": summed(month),
        "by_status": by_status(month),
        "trend": trend(days[-TREND_DAYS:], len(days), rows),
        "top_products": pieces_of(recent, TOP),
        "product_days": PRODUCT_DAYS,
        "newest": [shown_order(order) for order in Order.objects.all()[:NEWEST]],
    }


def placed_between(start: datetime, end: datetime) -> Any:
    return Order.objects.filter(placed_at__gte=start, placed_at__lt=end).order_by()


def summed(rows: list[Any]) -> dict[str, Any]:
    """`{orders, revenue}`: revenue is what was paid and not given back, of each currency."""
    revenue = amounts()
    for _, _, currency, _, received in rows:
        if received is not None:
            revenue[currency] += received
    shown = [shown_amount(amount, currency) for currency, amount in sorted(revenue.items())]
    return {"orders": sum(row[3] for row in rows), "revenue": shown}


def by_status(rows: list[Any]) -> list[tuple[str, int]]:
    """A chip and the number of orders, for each status that there is."""
    counts: Counter[str] = Counter()
    for _, status, _, count, _ in rows:
        counts[status] += count
    return [(chip(word, labels.STATUS[word]), counts[word]) for word in Status if counts[word]]


def trend(days: list[Bucket], known: int, rows: list[Any]) -> list[dict[str, Any]]:
    """Orders a day; `days` are the last of those that the rows' indexes count."""
    counts: Counter[int] = Counter()
    for index, _, _, count, _ in rows:
        counts[index - (known - len(days))] += count
    return bars([(f"{day.day:%m-%d}", counts[position]) for position, day in enumerate(days)])
