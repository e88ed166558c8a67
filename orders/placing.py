"""New orders."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import IntegrityError
from django.utils import timezone

from orders import money
from orders.actors import SYSTEM, Actor
from orders.errors import AmountTooLarge, ExternalReferenceTaken, OrderError, OrderNumberTaken, WrongPlaces
from orders.history import PLACED, first_event
from orders.lifecycle import PaymentStatus, Status
from orders.models import ORDER_NUMBER_ALPHABET, ORDER_NUMBER_LENGTH, Order, OrderEvent, OrderLine
from orders.transactions import refusable, retried, violated_key
from routers import consistency

NUMBERS_TO_TRY = 3  # 36**12 numbers: even one collision is a surprise
NAME_LENGTH = 200
# An order of the past that ended so has nothing left of its lines.
TAKEN_WHEN = {Status.CANCELED: "quantity_canceled", Status.RETURNED: "quantity_returned"}


class Line(NamedTuple):
    """What a client orders of one thing."""

    name: str
    quantity: int = 1
    unit_price: Decimal = Decimal(0)
    sku: str = ""


class Draft(NamedTuple):
    """An order that is not in the database yet, with its lines and what its first event remembers."""

    order: Order
    lines: list[OrderLine]
    data: dict[str, Any]

    def event(self, actor: Actor) -> OrderEvent:
        return first_event(self.order, actor, self.data)


@retried
def place_order(*, actor: Actor = SYSTEM, **content: Any) -> tuple[Order, bool]:
    """The order, and whether it is new; `content` is what `draft` takes.

    Where the order number or the external reference is given and taken: the existing order, if it is
    the same customer's and was placed with the same content, else `OrderNumberTaken` or
    `ExternalReferenceTaken`. Raises `WrongPlaces` and `AmountTooLarge` as well.
    """
    consistency.touches(content["customer"].pk)
    given = content.pop("order_number", None)
    for number in [given] if given else generated_numbers():
        new = draft(order_number=number, **content)
        try:
            with refusable():
                return insert(new, actor), True
        except IntegrityError as error:
            match violated_key(error):
                case "orders_order.order_number" if not given:
                    continue
                case "orders_order.order_number":
                    return same_or_raise(new, OrderNumberTaken(), order_number=number), False
                case "orders_order.external_reference":
                    reference = new.order.external_reference
                    return same_or_raise(new, ExternalReferenceTaken(), external_reference=reference), False
            raise
    raise OrderNumberTaken


def insert(new: Draft, actor: Actor) -> Order:
    """Save it: three statements, however many lines."""
    new.order.save(force_insert=True)
    OrderLine.objects.bulk_create(new.lines)
    new.event(actor).save(force_insert=True)
    know_lines(new.order, new.lines)
    return new.order


def know_lines(order: Any, rows: list[OrderLine]) -> None:
    """They are shown of a new order, and not read back: left where `prefetch_related` leaves them."""
    lines = order.lines.all()
    lines._result_cache = rows
    order._prefetched_objects_cache = {"lines": lines}


def draft(
    *,
    customer: Any,
    product_name: str = "",
    lines: Sequence[Line] = (),
    currency: str = money.DEFAULT_CURRENCY,
    status: str = Status.PAID,
    placed_at: datetime | None = None,
    paymented_at: datetime | None = None,
    **identity: Any,
) -> Draft:
    """What would be inserted. Without lines, the product's name is the only one, for nothing.

    `identity`: `order_number`, `external_reference`, `source`. The times are for orders of the past, as
    is any status after paid: a canceled one was paid if `paymented_at` says when.
    Raises `WrongPlaces`, `AmountTooLarge`.
    """
    lines = list(lines) or [Line(product_name)]
    now = timezone.now()
    paid = status != Status.PENDING and (status != Status.CANCELED or paymented_at is not None)
    past = {"placed_at": placed_at, "paymented_at": paymented_at}
    order = Order(
        customer=customer,
        product_name=product_name or display_line(lines),
        status=status,
        payment_status=PaymentStatus.PAID if paid else PaymentStatus.UNPAID,
        currency=currency,
        total=sum_of(lines, currency) if paid or status != Status.CANCELED else Decimal(0),
        placed_at=placed_at or now,
        paymented_at=(paymented_at or placed_at or now) if paid else None,
        updated_at=now,
        **identity,
    )
    column = TAKEN_WHEN.get(Status(status))
    rows = [
        OrderLine(
            order=order,
            position=position,
            **line._asdict(),
            **({column: line.quantity} if column else {}),
        )
        for position, line in enumerate(lines, 1)
    ]
    return Draft(order, rows, what_was_sent(order, lines, past))


def display_line(lines: Sequence[Line]) -> str:
    """The order in one line: the first thing, and how many others."""
    more = f" +{len(lines) - 1}" if len(lines) > 1 else ""
    return lines[0].name[: NAME_LENGTH - len(more)] + more


def sum_of(lines: Sequence[Line], currency: str) -> Decimal:
    if not all(money.has_right_places(line.unit_price, currency) for line in lines):
        raise WrongPlaces(currency=currency, smallest=str(money.smallest(currency)))
    total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
    if total >= money.LIMIT:
        raise AmountTooLarge(limit=str(money.LIMIT))
    return total


def what_was_sent(order: Order, lines: Sequence[Line], past: Mapping[str, datetime | None]) -> dict[str, Any]:
    """What the first event remembers: enough to rebuild the order, and to know the same content again."""
    rows = [{**line._asdict(), "unit_price": money.text(line.unit_price, order.currency)} for line in lines]
    data = {
        "product_name": order.product_name,
        "currency": order.currency,
        "lines": rows,
        "external_reference": order.external_reference,
        **{name: time.astimezone(UTC).isoformat() for name, time in past.items() if time is not None},
    }
    if order.status in TAKEN_WHEN:
        data["taken"] = {str(position): line.quantity for position, line in enumerate(lines, 1)}
    content = json.dumps([data, str(order.status)], sort_keys=True).encode()
    return {**data, "content": hashlib.sha256(content).hexdigest()}


def same_or_raise(new: Draft, refusal: OrderError, **identity: Any) -> Order:
    """The existing order, if it is what was to be placed; to anybody else, only that there is one."""
    existing = Order.objects.filter(customer=new.order.customer, **identity).first()
    if existing is not None:
        placed = OrderEvent.objects.get(order=existing, seq=1, type=PLACED)
        if placed.data.get("content") == new.data["content"]:
            return existing
    raise refusal


def generated_numbers() -> list[str]:
    return [generated_number() for _ in range(NUMBERS_TO_TRY)]


def generated_number() -> str:
    base = len(ORDER_NUMBER_ALPHABET)
    number = secrets.randbelow(base**ORDER_NUMBER_LENGTH)  # one question to the system, not twelve
    digits = []
    for _ in range(ORDER_NUMBER_LENGTH):
        number, digit = divmod(number, base)
        digits.append(ORDER_NUMBER_ALPHABET[digit])
    return "".join(digits)
