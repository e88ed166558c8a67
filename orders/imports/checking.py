"""The whole file, before anything of it is written."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from tempfile import TemporaryFile
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from orders.history import PLACED
from orders.imports.formats import Record, Unreadable
from orders.imports.report import EXISTING, Errors, Report
from orders.imports.rows import BadRow, Row, checked
from orders.models import Order, OrderEvent
from orders.placing import draft

MAX_ROWS = 100_000
BATCH = 500  # rows a statement


class Spool:
    """Batches of good rows that wait, in a file of our own, until all have been checked."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - `__exit__` closes it
        self._batches = 0
        self.rows = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, batch: list[Row]) -> None:
        if batch:
            pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
            self._batches += 1
            self.rows += len(batch)

    def __iter__(self) -> Iterator[list[Row]]:
        """From the beginning, each time."""
        self._file.seek(0)
        for _number in range(self._batches):
            yield pickle.load(self._file)  # noqa: S301 - nobody else can write to it: it has no name


class Seen:
    """References and numbers of the rows so far, by the row that had them first."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], int] = {}

    def repeated(self, row: Row, number: int) -> Errors:
        errors = {}
        for name in ("external_reference", "order_number"):
            if value := row.content.get(name):
                first = self._rows.setdefault((name, value), number)
                if first != number:
                    errors[name] = [_("Row %(row)s has this already.") % {"row": first}]
        return errors


def check(records: Iterable[Record], report: Report, spool: Spool, progress: Callable[[int], Any]) -> None:
    """Fill the report, and the spool with the rows that are to be written. Raises `Unreadable`."""
    seen, batch, count = Seen(), [], 0
    for count, record in enumerate(records, 1):
        if count > MAX_ROWS:
            sentence = _("At most %(most)s rows are possible; send the file in parts.") % {"most": MAX_ROWS}
            raise Unreadable(record.number, {"file": [sentence]})
        if row := checked_once(record, report, seen):
            batch.append(row)
        if len(batch) == BATCH:
            spool.add(compared(batch, report))
            batch = []
            progress(BATCH)
    if not count:
        raise Unreadable(1, {"file": [_("There are no rows in it.")]})
    spool.add(compared(batch, report))
    progress(count % BATCH)


def checked_once(record: Record, report: Report, seen: Seen) -> Row | None:
    """What can be known without the database."""
    said = record.content.get("external_reference")
    reference = said if isinstance(said, str) and said.isprintable() else None
    try:
        row = checked(len(report.outcomes), record)
        if errors := seen.repeated(row, record.number):
            raise BadRow(errors)
    except BadRow as bad:
        report.add(record.number, reference, bad.errors)
        return None
    report.add(record.number, row.reference)
    return row


def compared(batch: list[Row], report: Report) -> list[Row]:
    """Those of the batch that are new, with their customers' ids; the report has what is said of others."""
    ids = ids_of_customers(batch)
    existing = existing_orders(batch)
    taken = taken_numbers(batch)
    new = []
    for row in batch:
        outcome = report.outcomes[row.place]
        customer = ids.get(row.customer)
        if customer is None:
            outcome.fail({"customer": [_("There is no such member.")]})
        elif row.reference in existing:
            outcome.result, outcome.order_number = EXISTING, existing[row.reference][0]
            if not same(row, customer, *existing[row.reference]):
                outcome.fail(
                    {"external_reference": [_("An order with this reference is there, with other content.")]}
                )
        elif row.content.get("order_number") in taken:
            outcome.fail({"order_number": [_("Another order has this number.")]})
        else:
            new.append(row._replace(customer=customer))
    return new


def same(row: Row, customer: int, number: str, existing_customer: int, content: str | None) -> bool:
    """Whether the existing order was placed with what the row says."""
    if customer != existing_customer or row.content.get("order_number", number) != number:
        return False
    would_be = draft(customer=get_user_model()(pk=customer), **row.content)
    return bool(would_be.data["content"] == content)


def ids_of_customers(batch: list[Row]) -> dict[str | int, int]:
    """By what the rows call them."""
    members, email = get_user_model()._default_manager, get_user_model().get_email_field_name()
    named = {row.customer for row in batch}
    ids = [name for name in named if isinstance(name, int)]
    emails = [name for name in named if isinstance(name, str)]
    found: dict[str | int, int] = {}
    if ids:
        found |= {pk: pk for pk in members.filter(pk__in=ids).values_list("pk", flat=True)}
    if emails:
        rows = members.filter(**{f"{email}__in": emails}).values_list(email, "pk")
        found |= {address.lower(): pk for address, pk in rows}
    return found


def existing_orders(batch: list[Row]) -> dict[str, tuple[str, int, str | None]]:
    """By reference: number, customer, and the digest of what was sent when it was placed."""
    events = OrderEvent.objects.filter(
        order__external_reference__in=[row.reference for row in batch], seq=1, type=PLACED
    )
    columns = ("order__external_reference", "order__order_number", "order__customer_id", "data__content")
    return {reference: found for reference, *found in events.values_list(*columns)}


def taken_numbers(batch: list[Row]) -> set[str]:
    numbers = [row.content["order_number"] for row in batch if "order_number" in row.content]
    if not numbers:
        return set()
    return set(Order.objects.filter(order_number__in=numbers).values_list("order_number", flat=True))
