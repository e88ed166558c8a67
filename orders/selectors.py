"""Querysets for reading orders."""

from typing import Any

from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast

from orders.models import ORDER_NUMBER, Order


def orders_visible_to(member: Any) -> QuerySet[Order]:
    """All orders for staff, their own for everybody else; newest first."""
    # MySQL refuses to compare an ascii column with text beyond ASCII (error 3854): searching needs a cast.
    orders = Order.objects.alias(searchable_number=Cast("order_number", CharField()))
    return orders if member.is_staff else orders.filter(customer=member)


def by_reference(reference: str) -> dict[str, Any]:
    """The look-up for what stands in a URL: 12 characters are an order number, other digits an id."""
    if ORDER_NUMBER.fullmatch(reference):
        return {"order_number": reference}
    return {"pk": int(reference) if reference.isdigit() else 0}


def newest_order_id_of(member_id: OuterRef) -> Subquery:
    """The id of a member's newest order: one step in the index, however many orders there are."""
    return Subquery(Order.objects.filter(customer=member_id).order_by("-id").values("id")[:1])
