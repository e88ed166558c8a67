"""Who changes an order, and in what capacity: what an event remembers of it."""

from dataclasses import dataclass
from typing import Any

from orders.errors import NotYours
from orders.lifecycle import Role
from orders.models import Order
from orders.permissions import CHANGE, staff_may


@dataclass(frozen=True)
class Actor:
    """`member_id` is None for a command."""

    role: Role
    member_id: int | None = None
    request_id: str = ""


SYSTEM = Actor(Role.SYSTEM)
EXPIRY = Actor(Role.EXPIRY)


def actor_on(order: Order, request: Any, permission: str = CHANGE) -> Actor:
    """The caller as who they are to an order that they may see.

    Raises `NotYours` for staff that may look at it but lack the permission.
    """
    if staff_may(request.user, permission):
        return _actor(Role.STAFF, request)
    if order.customer_id == request.user.pk:
        return _actor(Role.OWNER, request)
    raise NotYours


def placing_actor(request: Any, permission: str) -> Actor:
    """The caller as who they are to orders that do not exist yet."""
    return _actor(Role.STAFF if staff_may(request.user, permission) else Role.OWNER, request)


def _actor(role: Role, request: Any) -> Actor:
    return Actor(role, request.user.pk, getattr(request, "request_id", ""))
