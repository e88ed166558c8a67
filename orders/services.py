"""Changes of existing orders, each one transaction. Nothing else changes an order.

Each locks the order's row first, and nothing else after it but the order's own rows: two changes of
one order queue up, and those of different orders never wait for each other.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import history, lifecycle, money
from orders.actors import EXPIRY, Actor
from orders.errors import (
    ExternalReferenceTaken,
    FieldSettled,
    NoSuchLine,
    NotPaid,
    NotThatMany,
    OnlyStaff,
    OrderChanged,
    RefundTooLarge,
    TransitionRefused,
    WrongPlaces,
)
from orders.etags import IfMatch
from orders.lifecycle import Action, PaymentStatus, Status
from orders.models import Order, OrderLine, Refund
from orders.transactions import retried, violated_key
from routers import consistency

TAKEN_FROM = {Action.CANCEL: "quantity_canceled", Action.RETURN: "quantity_returned"}


@retried
def move_order(
    *,
    order: Order,
    action: Action,
    actor: Actor,
    if_match: IfMatch | None = None,
    quantities: Mapping[int, int] | None = None,
    details: Mapping[str, str] | None = None,
) -> Order:
    """The order after the action.

    `quantities` (of cancel and return) is how many of which line, by position: the status changes only
    when nothing is left. `details` is remembered: reason, note, carrier, tracking_number.
    Raises `OnlyStaff`, `TransitionRefused`, `NoSuchLine`, `NotThatMany`, `OrderChanged`.
    """
    order = locked(order, if_match)
    was, target = order.status, target_of(order, action, actor)
    data: dict[str, Any] = {name: value for name, value in (details or {}).items() if value}
    ends = True
    if column := TAKEN_FROM.get(action):
        taken, ends = take_from_lines(order, column, quantities)
        data["lines"] = {str(position): quantity for position, quantity in taken.items()}
    if ends:
        order.status = target
    if action == Action.PAY:
        order.payment_status, order.paymented_at = PaymentStatus.PAID, timezone.now()
    return history.record(order, action, actor, was=was, data=data)


def target_of(order: Order, action: Action, actor: Actor) -> Status:
    if not lifecycle.may_ever(action, actor.role):
        raise OnlyStaff
    target = lifecycle.target_of(order.status, action, actor.role)
    if target is None:
        possible = lifecycle.allowed(order.status, actor.role)
        raise TransitionRefused(status=order.status, action=action, allowed=possible)
    return target


def take_from_lines(
    order: Order, column: str, quantities: Mapping[int, int] | None
) -> tuple[dict[int, int], bool]:
    """Cancel or return these quantities (all that is left, if None); what they were, and whether all is gone.

    What was not paid yet need not be paid any more: the total of an unpaid order goes down.
    """
    lines = {line.position: line for line in order.lines.all()}
    taken = quantities or {p: line.open_quantity for p, line in lines.items() if line.open_quantity}
    for position, quantity in taken.items():
        line = lines.get(position)
        if line is None:
            raise NoSuchLine(position=position)
        if quantity > line.open_quantity:
            raise NotThatMany(position=position, left=line.open_quantity)
        setattr(line, column, getattr(line, column) + quantity)
        if order.payment_status == PaymentStatus.UNPAID:
            order.total -= quantity * line.unit_price
    OrderLine.objects.bulk_update([lines[position] for position in taken], [column])
    return dict(taken), not any(line.open_quantity for line in lines.values())


@retried
def refund_order(
    *,
    order: Order,
    actor: Actor,
    amount: Decimal | None = None,
    reason: str = "",
    if_match: IfMatch | None = None,
) -> Order:
    """The order after giving back the amount, or all that is left.

    Raises `NotPaid`, `WrongPlaces`, `RefundTooLarge`, `OrderChanged`.
    """
    order = locked(order, if_match)
    refundable = order.total - order.refunded_total
    amount = refundable if amount is None else amount
    if order.payment_status == PaymentStatus.UNPAID:
        raise NotPaid
    if not money.has_right_places(amount, order.currency):
        raise WrongPlaces(currency=order.currency, smallest=str(money.smallest(order.currency)))
    if not 0 < amount <= refundable:
        raise RefundTooLarge(refundable=money.text(refundable, order.currency), currency=order.currency)
    Refund.objects.create(order=order, amount=amount, reason=reason, actor_id=actor.member_id)
    order.refunded_total += amount
    order.payment_status = (
        PaymentStatus.REFUNDED if amount == refundable else PaymentStatus.PARTIALLY_REFUNDED
    )
    data = {"amount": money.text(amount, order.currency), **({"reason": reason} if reason else {})}
    return history.record(order, history.REFUNDED, actor, data=data)


@retried
def change_order(*, order: Order, actor: Actor, if_match: IfMatch | None = None, **changes: Any) -> Order:
    """The order with these fields changed; one that has them already is left alone.

    Raises `FieldSettled`, `ExternalReferenceTaken`, `OrderChanged`.
    """
    order = locked(order, if_match)
    changes = {name: value for name, value in changes.items() if getattr(order, name) != value}
    for name in changes:
        if name not in lifecycle.CHANGEABLE[Status(order.status)]:
            raise FieldSettled(field=name, status=order.status)
    if not changes:
        return order
    data = {name: [getattr(order, name), value] for name, value in changes.items()}
    for name, value in changes.items():
        setattr(order, name, value)
    try:
        with transaction.atomic():
            return history.record(order, history.CHANGED, actor, data=data)
    except IntegrityError as error:
        if violated_key(error) == "orders_order.external_reference":
            raise ExternalReferenceTaken from error
        raise


@retried
def add_note(
    *, order: Order, actor: Actor, text: str, audience: str, if_match: IfMatch | None = None
) -> Order:
    """The order with one more note for the `audience`: "internal" or "customer". Raises `OrderChanged`."""
    order = locked(order, if_match)
    return history.record(order, history.NOTED, actor, data={"text": text, "audience": audience})


def cancel_expired(*, placed_before: datetime, dry_run: bool = False) -> int:
    """Cancel the orders that were placed before then and never paid; how many, or how many it would be."""
    canceled = 0
    pending = Order.objects.filter(status=Status.PENDING, placed_at__lt=placed_before)
    if dry_run:
        return pending.count()
    for order in pending.only("pk").iterator():
        try:
            move_order(order=order, action=Action.CANCEL, actor=EXPIRY, details={"reason": "never paid"})
        except TransitionRefused:  # paid or canceled meanwhile
            continue
        canceled += 1
    return canceled


def locked(order: Order, if_match: IfMatch | None = None) -> Order:
    """The order as it is now, which nobody else can change until the transaction ends."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if if_match is not None and not if_match.matches(order.etag):
        raise OrderChanged(etag=order.etag)
    consistency.touches(order.customer_id)
    return order
