"""Figures over many orders, computed by the database: two statements, however many buckets."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Count, F, Func, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import Collate

from orders import money
from orders.buckets import Bucket
from orders.lifecycle import PaymentStatus, Status
from orders.models import Order, OrderLine

TOP_PRODUCTS = 10
EPOCH = 62_167_219_200  # TO_SECONDS('1970-01-01')
# What was paid and not given back.
RECEIVED = Sum(F("total") - F("refunded_total"), filter=~Q(payment_status=PaymentStatus.UNPAID.value))
Amounts = defaultdict[str, Decimal]


def stats_of(orders: QuerySet[Order], buckets: Sequence[Bucket], end: datetime) -> dict[str, Any]:
    """Of the orders that were placed from the first bucket on and before `end`."""
    orders = orders.filter(placed_at__gte=buckets[0].start, placed_at__lt=end).order_by()
    counts, revenues = [0] * len(buckets), [amounts() for _ in buckets]
    by_status, revenue = {status.value: 0 for status in Status}, amounts()
    for index, status, currency, count, received in grouped(orders, buckets):
        counts[index] += count
        by_status[status] += count
        if received is not None:
            revenues[index][currency] += received
            revenue[currency] += received
    return {
        "orders": sum(counts),
        "revenue": texts(revenue),
        "by_status": by_status,
        "buckets": [
            {
                "day": bucket.day,
                "orders": count,
                "revenue": texts({currency: mine[currency] for currency in revenue}),
            }
            for bucket, count, mine in zip(buckets, counts, revenues, strict=True)
        ],
        "top_products": top_products(orders),
    }


def grouped(orders: QuerySet[Order], buckets: Sequence[Bucket]) -> QuerySet[Order, Any]:
    """Rows of (index of the bucket, status, currency, orders, received or None)."""
    rows = orders.annotate(bucket=index_in(buckets)).values("bucket", "status", "currency")
    return rows.annotate(orders=Count("pk"), received=RECEIVED).values_list(
        "bucket", "status", "currency", "orders", "received"
    )


def index_in(buckets: Sequence[Bucket]) -> Any:
    """Which bucket an order was placed in.

    Where they begin is computed here: the server knows zones only if its time zone tables were loaded.
    """
    if len(buckets) == 1:
        return Value(0)
    begins = [EPOCH + int(bucket.start.timestamp()) for bucket in buckets[1:]]
    placed = Func(F("placed_at"), function="TO_SECONDS", output_field=BigIntegerField())
    return Func(placed, *map(Value, begins), function="INTERVAL", output_field=IntegerField())


def top_products(orders: QuerySet[Order]) -> list[dict[str, Any]]:
    """The things of which most pieces were ordered. Names that differ in a byte are two things."""
    return pieces_of(orders, TOP_PRODUCTS)


def pieces_of(orders: QuerySet[Order], most: int) -> list[dict[str, Any]]:
    """So many things, of which most pieces were ordered."""
    lines = OrderLine.objects.filter(order__in=orders.values("pk")).order_by()
    exact: dict[str, Any] = {column: Collate(column, "utf8mb4_0900_bin") for column in ("name", "sku")}
    sums = lines.values_list(*exact.values()).annotate(pieces=Sum("quantity"))
    top: Any = sums.order_by(F("pieces").desc(), *exact.values())[:most]
    return [{"name": name, "sku": sku, "quantity": pieces} for name, sku, pieces in top]


def sums_of(member_ids: Sequence[int]) -> dict[int, tuple[int, dict[str, str]]]:
    """How many orders each of these members has, and what was received for them, by currency."""
    counts, received_of = dict.fromkeys(member_ids, 0), {member_id: amounts() for member_id in member_ids}
    if member_ids:
        rows = (
            Order.objects.filter(customer_id__in=member_ids).order_by().values_list("customer_id", "currency")
        )
        for member_id, currency, count, received in rows.annotate(orders=Count("pk"), received=RECEIVED):
            counts[member_id] += count
            if received is not None:
                received_of[member_id][currency] += received
    return {member_id: (counts[member_id], texts(received_of[member_id])) for member_id in member_ids}


def amounts() -> Amounts:
    return defaultdict(Decimal)


def texts(amounts_: dict[str, Decimal]) -> dict[str, str]:
    """As the API shows amounts, by currency."""
    return {currency: money.text(amount, currency) for currency, amount in sorted(amounts_.items())}


def counts_in(orders: QuerySet[Order], buckets: Sequence[Bucket], end: datetime) -> list[int]:
    """How many were placed in each bucket: of one member, their index alone is read."""
    counts = [0] * len(buckets)
    placed = orders.filter(placed_at__gte=buckets[0].start, placed_at__lt=end).order_by()
    rows = placed.annotate(bucket=index_in(buckets)).values_list("bucket").annotate(orders=Count("*"))
    for index, count in rows.order_by():
        counts[index] += count
    return counts
