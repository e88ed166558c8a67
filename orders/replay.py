"""Whether an order is what its events say: they are played again, from nothing, and compared."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orders import history, lifecycle
from orders.lifecycle import Action, PaymentStatus, Role, Status
from orders.models import Order, OrderEvent

CANCELED, RETURNED = 1, 2  # where a line of `State` counts them
ENDED = {Status.CANCELED: CANCELED, Status.RETURNED: RETURNED}  # an import may place an order so


class BrokenHistory(Exception):
    """The events cannot have happened in this order."""


@dataclass
class State:
    """What events determine of an order; `lines` by position: quantity, canceled, returned, unit price."""

    status: str = ""
    payment_status: str = ""
    total: Decimal = Decimal(0)
    refunded_total: Decimal = Decimal(0)
    version: int = 0
    product_name: str = ""
    lines: dict[int, list[Any]] = field(default_factory=dict)


def replay(events: Iterable[OrderEvent]) -> State:
    """The state after these events, oldest first. Raises `BrokenHistory`."""
    state = State()
    for event in events:
        state.version += 1
        if event.seq != state.version:
            raise BrokenHistory(f"event {state.version} is missing")
        if event.seq > 1 and event.from_status != state.status:
            raise BrokenHistory(f"event {event.seq} starts from {event.from_status}, not {state.status}")
        APPLY.get(event.type, _move)(state, event)
        state.status = event.to_status
    return state


def _place(state: State, event: OrderEvent) -> None:
    state.product_name = event.data["product_name"]
    for position, line in enumerate(event.data["lines"], 1):
        price = Decimal(line["unit_price"])
        state.lines[position] = [line["quantity"], 0, 0, price]
        state.total += line["quantity"] * price
    unpaid = event.to_status == Status.PENDING
    if event.to_status in ENDED:
        column = ENDED[Status(event.to_status)]
        for position, quantity in event.data["taken"].items():
            state.lines[int(position)][column] += quantity
        unpaid = column == CANCELED and "paymented_at" not in event.data
        state.total = Decimal(0) if unpaid else state.total
    state.payment_status = PaymentStatus.UNPAID if unpaid else PaymentStatus.PAID


def _move(state: State, event: OrderEvent) -> None:
    target = lifecycle.target_of(state.status, Action(event.type), Role(event.role))
    column = {Action.CANCEL: CANCELED, Action.RETURN: RETURNED}.get(Action(event.type), 0)
    for position, quantity in event.data.get("lines", {}).items():
        line = state.lines[int(position)]
        line[column] += quantity
        if state.payment_status == PaymentStatus.UNPAID:
            state.total -= quantity * line[3]
    rest = any(quantity > canceled + returned for quantity, canceled, returned, _ in state.lines.values())
    expected = state.status if column and rest else target
    if target is None or event.to_status != expected:
        raise BrokenHistory(f"event {event.seq}: {event.type} by {event.role} led to {event.to_status}")
    if event.type == Action.PAY:
        state.payment_status = PaymentStatus.PAID


def _refund(state: State, event: OrderEvent) -> None:
    state.refunded_total += Decimal(event.data["amount"])
    whole = state.refunded_total == state.total
    state.payment_status = PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED


def _change(state: State, event: OrderEvent) -> None:
    state.product_name = event.data.get("product_name", [None, state.product_name])[1]


def _note(state: State, event: OrderEvent) -> None:
    """Words change nothing."""


APPLY = {
    history.PLACED: _place,
    history.REFUNDED: _refund,
    history.CHANGED: _change,
    history.NOTED: _note,
}


def state_of(order: Order) -> State:
    """The same facts as the tables have them."""
    lines = {
        line.position: [line.quantity, line.quantity_canceled, line.quantity_returned, line.unit_price]
        for line in order.lines.all()
    }
    facts = ("status", "payment_status", "total", "refunded_total", "version", "product_name")
    return State(**{name: getattr(order, name) for name in facts}, lines=lines)


def faults(order: Order) -> list[str]:
    """In what the order differs from its events and its refunds; empty when nothing does."""
    stored = state_of(order)
    try:
        told = replay(order.events.all())
    except (BrokenHistory, KeyError, ValueError) as error:
        return [str(error)]
    found = [
        f"{name} is {value!r}, by its events {getattr(told, name)!r}"
        for name, value in vars(stored).items()
        if value != getattr(told, name)
    ]
    refunded = sum((refund.amount for refund in order.refunds.all()), Decimal(0))
    if refunded != order.refunded_total:
        found.append(f"refunded_total is {order.refunded_total}, its refunds are {refunded}")
    return found
