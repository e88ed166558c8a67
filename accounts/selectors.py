"""Querysets for reading members and their sessions."""

from typing import Any

from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import last_used
from accounts.models import Member, Session
from accounts.permissions import VIEW, staff_may
from orders.models import Order
from orders.selectors import newest_order_id_of
from orders.stats import sums_of


def members_visible_to(member: Member) -> QuerySet[Member]:
    """Everybody for staff who may view members, only themselves for everybody else."""
    return members() if staff_may(member, VIEW) else members().filter(pk=member.pk)


def members() -> QuerySet[Member]:
    """As `attach_orders` takes them."""
    return Member.objects.annotate(last_order_id=newest_order_id_of(OuterRef("pk")))


def attach_orders(members: list[Any]) -> list[Any]:
    """Set what is shown of their orders on members of `members_visible_to`, in two queries for all.

    `last_order` is an Order or None; `order_count` and `order_total` ({currency: text}) are over all.
    """
    orders = Order.objects.in_bulk([m.last_order_id for m in members if m.last_order_id])
    sums = sums_of([member.pk for member in members])
    for member in members:
        member.last_order = orders.get(member.last_order_id)
        member.order_count, member.order_total = sums[member.pk]
    return members


def live_sessions_of(member: Member) -> QuerySet[Session]:
    """Newest first, without those whose token has expired."""
    live = Q(auth_token__expiry=None) | Q(auth_token__expiry__gt=timezone.now())
    sessions = Session.objects.select_related("auth_token").filter(live, auth_token__user=member)
    return sessions.order_by("-id")


def attach_last_used(sessions: list[Any]) -> list[Any]:
    """Set `last_used` on sessions: to the minute; where nothing is known, when they began."""
    known = last_used.of(session.auth_token_id for session in sessions)
    for session in sessions:
        session.last_used = known.get(session.auth_token_id, session.auth_token.created)
    return sessions
