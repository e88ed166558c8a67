"""Querysets for reading orders."""

from functools import cache
from typing import Any

from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast

from orders import history
from orders.histories import History
from orders.models import ORDER_NUMBER, Order, OrderEvent
from orders.permissions import VIEW, staff_may
from orders.prepared import Recipe

# MySQL refuses to compare an ascii column with text beyond ASCII (error 3854): searching needs a cast.
SEARCHABLE_NUMBER = Cast("order_number", CharField())


def everybodys_orders() -> QuerySet[Order]:
    """All orders, newest first."""
    return Order.objects.alias(searchable_number=SEARCHABLE_NUMBER)


def orders_of(member_id: int, among: QuerySet[Order] | None = None) -> QuerySet[Order]:
    """One member's orders, newest first, or as `among` is sorted."""
    if among is not None:
        return History.among(among).of(member_id)
    orders = _histories().of(member_id)
    orders.recipe = Recipe(orders_of, (member_id,))
    return orders


@cache
def _histories() -> History:
    """What everybody's history begins with, made once."""
    return History.among(everybodys_orders())


def orders_visible_to(member: Any) -> QuerySet[Order]:
    """All orders for staff that may look at them, their own for everybody else; newest first."""
    return everybodys_orders() if staff_may(member, VIEW) else orders_of(member.pk)


def by_reference(reference: str) -> dict[str, Any]:
    """The look-up for what stands in a URL: 12 characters are an order number, other digits an id."""
    if ORDER_NUMBER.fullmatch(reference):
        return {"order_number": reference}
    return {"pk": int(reference) if reference.isdigit() else 0}


def events_visible_to(member: Any, order: Order) -> QuerySet[OrderEvent]:
    """What happened to the order, oldest first; to its owner without what staff note for themselves."""
    events = OrderEvent.objects.filter(order=order)
    if staff_may(member, VIEW):
        return events
    return events.exclude(type=history.NOTED, data__audience="internal")


def newest_order_id_of(member_id: OuterRef) -> Subquery:
    """The id of a member's newest order: one step in the index, however many orders there are."""
    newest_first = Order.objects.filter(customer=member_id).order_by("-placed_at", "-id")
    return Subquery(newest_first.values("id")[:1])
