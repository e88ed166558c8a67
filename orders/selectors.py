"""Querysets for reading orders."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from orders.models import ORDER_NUMBER, Order


def orders_visible_to(member: Any) -> QuerySet[Order]:
    """All orders for staff, their own for everybody else; newest first."""
    orders = Order.objects.all()
    return orders if member.is_staff else orders.filter(customer=member)


def by_reference(reference: str) -> dict[str, Any]:
    """The look-up for what stands in a URL: 12 characters are an order number, other digits an id."""
    if ORDER_NUMBER.fullmatch(reference):
        return {"order_number": reference}
    return {"pk": int(reference) if reference.isdigit() else 0}


def newest_order_id_of(member_id: OuterRef) -> Subquery:
    """The id of a member's newest order: one step in the index, however many orders there are."""
    return Subquery(Order.objects.filter(customer=member_id).order_by("-id").values("id")[:1])
