"""Querysets for reading members."""

from typing import Any

from django.db.models import OuterRef, QuerySet

from accounts.models import Member
from orders.models import Order
from orders.selectors import newest_order_id_of


def members_visible_to(member: Member) -> QuerySet[Member]:
    """Everybody for staff, only themselves for everybody else."""
    members = Member.objects.annotate(last_order_id=newest_order_id_of(OuterRef("pk")))
    return members if member.is_staff else members.filter(pk=member.pk)


def attach_last_orders(members: list[Any]) -> list[Any]:
    """Set `last_order` (an Order or None) on members of `members_visible_to`, in one query for all."""
    orders = Order.objects.in_bulk([m.last_order_id for m in members if m.last_order_id])
    for member in members:
        member.last_order = orders.get(member.last_order_id)
    return members
