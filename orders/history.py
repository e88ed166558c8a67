"""Writing down what happened to an order."""

from typing import Any

from django.utils import timezone

from orders.actors import Actor
from orders.models import Order, OrderEvent

PLACED, CHANGED, REFUNDED, NOTED = "place", "change", "refund", "note"


def first_event(order: Order, actor: Actor, data: dict[str, Any]) -> OrderEvent:
    """The event of its placing, not yet saved."""
    return OrderEvent(
        order=order,
        seq=order.version,
        type=PLACED,
        role=actor.role,
        actor_id=actor.member_id,
        to_status=order.status,
        data=data,
        request_id=actor.request_id,
        created_at=order.updated_at,
    )


def record(order: Order, type_: str, actor: Actor, *, data: dict[str, Any], was: str | None = None) -> Order:
    """Save the locked order with its version raised, and the event of that; `was` is its status before."""
    order.version += 1
    order.updated_at = max(timezone.now(), order.updated_at)  # never back, for those who poll for changes
    order.save(force_update=True)
    OrderEvent.objects.create(
        order=order,
        seq=order.version,
        type=type_,
        role=actor.role,
        actor_id=actor.member_id,
        from_status=was or order.status,
        to_status=order.status,
        data=data,
        request_id=actor.request_id,
        created_at=order.updated_at,
    )
    return order
