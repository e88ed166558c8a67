"""Writes about passwords, each one transaction. A new password ends the sessions that the old one began."""

from knox.models import AuthToken

from accounts import links, mails
from accounts.errors import ResetLinkDead, WrongPassword
from accounts.models import Member
from accounts.services import locked
from orders.transactions import retried
from routers import consistency


@retried
def change_password(*, member: Member, password: str, keep: AuthToken) -> None:
    """A new password for a member whose current one was checked; only the token `keep` stays.

    Raises `WrongPassword` when another request has changed it meanwhile.
    """
    current = locked(member)
    if current is None:
        raise WrongPassword
    _set_password(current, password)
    AuthToken.objects.filter(user=current).exclude(pk=keep.pk).delete()


def ask_for_reset(*, email: str) -> None:
    """Mail a link to the active member with this email, if there is one."""
    try:
        member = Member.objects.get_by_natural_key(email)
    except Member.DoesNotExist:
        return
    if member.is_active:
        mails.send_after_commit(mails.reset_password, member)


def member_for_reset(*, uid: str, token: str) -> Member:
    """Whom the link was given to. Raises `ResetLinkDead`."""
    member = links.member_of(uid)
    if member is None or not links.opens_password(member, token):
        raise ResetLinkDead
    return member


@retried
def reset_password(*, member: Member, password: str) -> None:
    """A new password for whom `member_for_reset` has found; no token stays.

    Raises `ResetLinkDead` when another request has used the link meanwhile.
    """
    current = locked(member)
    if current is None:
        raise ResetLinkDead
    _set_password(current, password)
    AuthToken.objects.filter(user=current).delete()


def _set_password(member: Member, password: str) -> None:
    consistency.touches(member.pk)
    member.set_password(password)
    member.save(update_fields=["password"])
