"""Orders as CSV (RFC 4180), at constant memory however many there are."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from orders import money
from orders.models import Order
from routers.continuation import Continuation

BATCH = 2_000  # rows a statement
BOM = "\ufeff"  # by which Excel knows UTF-8

# Looked up row by row: given a join, MySQL begins with the customer, and sorts all of theirs for each batch.
EMAIL = Subquery(get_user_model()._base_manager.filter(pk=OuterRef("customer_id")).values("email"))

# What is selected, by the column's name.
COLUMNS: dict[str, str | Subquery] = {
    "order_number": "order_number",
    "external_reference": "external_reference",
    "customer": "customer_id",
    "customer_email": EMAIL,
    "product_name": "product_name",
    "status": "status",
    "payment_status": "payment_status",
    "currency": "currency",
    "total": "total",
    "refunded_total": "refunded_total",
    "placed_at": "placed_at",
    "paymented_at": "paymented_at",
    "updated_at": "updated_at",
    "source": "source",
}
PERSONAL = frozenset({"customer_email"})

# A cell that a spreadsheet would take for a formula (OWASP, "CSV Injection"); East Asian ones know the
# full-width signs too. An amount is what it looks like.
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)

Row = tuple[Any, ...]
Shape = Callable[[Row], list[str]]


def csv_of(
    orders: QuerySet[Order],
    *,
    emails: bool = False,
    bom: bool = False,
    batch: int | None = None,
    continuation: Continuation | None = None,
    progress: Callable[[int], Any] = lambda rows: None,
) -> Iterator[bytes]:
    """UTF-8 text in pieces, newest orders first; the first piece has the header and the first batch.

    `emails` adds the customers'; a batch has `batch` rows (`BATCH`). Reads as `continuation` says, each
    batch by itself; `progress` is told how many rows each piece has.
    """
    read = (continuation or Continuation()).read
    columns = [name for name in COLUMNS if emails or name not in PERSONAL]
    shape = shape_of(columns)
    lines = io.StringIO()
    writer = csv.writer(lines)
    lines.write(BOM if bom else "")
    writer.writerow(columns)
    for rows in batches(orders, columns, size=batch or BATCH, read=read):
        writer.writerows(map(shape, rows))
        yield lines.getvalue().encode()
        lines.seek(0)
        lines.truncate()
        progress(len(rows))


def batches(
    orders: QuerySet[Order],
    columns: list[str],
    *,
    size: int,
    read: Callable[[Callable[[], list[Row]]], list[Row]],
) -> Iterator[list[Row]]:
    """Rows of the columns, then the key; at least one batch, which may be empty.

    The next batch begins after the key of the last row: no statement skips rows, and none is open
    between two batches. What is placed meanwhile is newer than all, and not in it.
    """
    selected = [COLUMNS[name] for name in columns]
    asked = orders.order_by("-placed_at", "-id").values_list(*selected, "placed_at", "id")
    rest = asked
    while True:
        rows = read(lambda rest=rest: list(rest[:size]))  # type: ignore[misc]  # bound now, called now
        yield rows
        if len(rows) < size:
            return
        *_, placed_at, last = rows[-1]
        # In this form MySQL reads a range of the index (manual, "Range Optimization").
        rest = asked.filter(Q(placed_at__lt=placed_at) | Q(placed_at=placed_at, id__lt=last))


def shape_of(columns: list[str]) -> Shape:
    """From a row of the table to the cells of a line."""
    zone = timezone.get_default_timezone()
    currency = columns.index("currency")

    def cell(value: Any, row: Row) -> str:
        match value:
            case None:
                return ""
            case str():
                return harmless(value)
            case Decimal():
                return money.text(value, row[currency])
            case datetime():
                return value.astimezone(zone).isoformat()
        return str(value)

    count = len(columns)
    return lambda row: [cell(value, row) for value in row[:count]]


def harmless(text: str) -> str:
    """The text with an apostrophe before it, where a spreadsheet would run it as a formula."""
    return f"'{text}" if FORMULA.match(text) and not AMOUNT.fullmatch(text) else text
