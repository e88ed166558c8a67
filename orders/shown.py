"""Orders and their events, as people read them on a page."""

from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from orders import history, labels, money
from orders.lifecycle import PaymentStatus, Role, Status
from orders.models import Order, OrderEvent


def chip(word: str, label: Any) -> str:
    return format_html('<span class="oms-chip oms-{}">{}</span>', word, label)


def shown_amount(amount: Decimal, currency: str) -> str:
    """12,000 KRW"""
    return f"{amount.quantize(money.smallest(currency)):,} {currency}"


def shown_order(order: Order) -> dict[str, Any]:
    """A row of the history."""
    return {
        "order": order,
        "status": chip(order.status, labels.STATUS[Status(order.status)]),
        "payment": chip(order.payment_status, labels.PAYMENT[PaymentStatus(order.payment_status)]),
        "amount": shown_amount(order.total, order.currency),
    }


def shown_event(event: OrderEvent) -> dict[str, Any]:
    """An event as people read it."""
    details = [
        (labels.DETAIL[name], shown_detail(name, value))
        for name, value in event.data.items()
        if name in labels.DETAIL and event.type != history.PLACED and value not in (None, "")
    ]
    return {
        "label": labels.EVENT.get(event.type, event.type),
        "role": labels.ROLE[Role(event.role)],
        "event": event,
        "details": details,
    }


def shown_detail(name: str, value: Any) -> str:
    if name == "audience":
        return str(labels.AUDIENCE.get(value, value))
    if isinstance(value, dict):  # quantities by position
        return ", ".join(f"{quantity} × #{position}" for position, quantity in value.items())
    if isinstance(value, list):  # before and after
        return " → ".join(str(part or "–") for part in value)
    return str(value)
