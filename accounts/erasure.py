"""Members who want to be forgotten. Their orders stay, as accounts need them, and name nobody."""

import uuid

from django.utils import timezone
from knox.models import AuthToken

from accounts.models import Member
from orders.erasure import forget_customer
from orders.transactions import retried
from routers import consistency


@retried
def erase_member(*, member: Member) -> None:
    """Take out what tells who the member was, and end their sessions; a second time changes nothing."""
    consistency.touches(member.pk)
    member = Member.objects.select_for_update().get(pk=member.pk)
    if member.erased_at is not None:
        return
    forget_customer(customer=member)
    AuthToken.objects.filter(user=member).delete()
    member.groups.clear()
    member.user_permissions.clear()
    _make_nobody(member)
    member.save()


def _make_nobody(member: Member) -> None:
    member.email = f"{uuid.uuid4().hex}@erased.invalid"  # nobody can have taken it before
    member.name, member.nickname, member.phone, member.gender = "Erased", "erased", "0000000", None
    member.is_active = member.is_staff = member.is_superuser = False
    member.set_unusable_password()
    member.last_login = member.email_verified_at = None
    member.erased_at = timezone.now()
