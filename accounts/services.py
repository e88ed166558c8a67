"""Writes of members and their sessions, each one transaction; where others hold its rows, `TooBusy`."""

from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from knox.models import AuthToken

from accounts.errors import EmailTaken, LoginRefused, MemberErased
from accounts.groups import ADMINISTRATOR, make_missing_groups
from accounts.models import Member, Session
from accounts.verification import ask_for_verification
from orders.transactions import retried, violated_key
from routers import consistency

USER_AGENT_LENGTH = 200


@retried
def register_member(
    *, email: str, password: str, user_agent: str = "", **details: Any
) -> tuple[AuthToken, str]:
    """A new member who is logged in at once: their token's row and its key. A mail asks them to verify
    their email.

    Raises `EmailTaken`.
    """
    try:
        with transaction.atomic():
            member = Member.objects.create_user(email, password, **details)
    except IntegrityError as error:
        if violated_key(error) is None:
            raise
        raise EmailTaken from error
    ask_for_verification(member=member)
    return _new_token(member, user_agent)


@retried
def log_in(member: Member, *, user_agent: str = "") -> tuple[AuthToken, str]:
    """A new token's row, and its key, which is stored nowhere.

    Raises `LoginRefused` when the password that was checked is the member's no longer.
    """
    if locked(member) is None:
        raise LoginRefused
    return _new_token(member, user_agent)


def _new_token(member: Member, user_agent: str) -> tuple[AuthToken, str]:
    consistency.touches(member.pk)
    auth_token, key = AuthToken.objects.create(user=member)
    Session.objects.create(auth_token=auth_token, user_agent=user_agent[:USER_AGENT_LENGTH])
    return auth_token, key


def locked(member: Member) -> Member | None:
    """The member's row, until the transaction ends, if they may still log in with the same password.

    So a login, and the change that is to revoke its token, come one after the other.
    """
    same = Member.objects.select_for_update().filter(pk=member.pk, password=member.password, is_active=True)
    return same.first()


def log_out(auth_token: AuthToken) -> None:
    """Revoke this token."""
    consistency.touches(auth_token.user_id)
    auth_token.delete()


@retried
def log_out_everywhere(member: Member) -> None:
    """Revoke all tokens of the member."""
    consistency.touches(member.pk)
    AuthToken.objects.filter(user=member).delete()


@retried
def change_member(*, member: Member, **changes: Any) -> None:
    """Set these fields of the member. Raises `MemberErased`."""
    consistency.touches(member.pk)
    if not Member.objects.select_for_update().filter(pk=member.pk, erased_at=None).exists():
        raise MemberErased  # also when that came between reading and changing
    for name, value in changes.items():
        setattr(member, name, value)
    member.save(update_fields=list(changes))


@retried
def ensure_staff(*, email: str, password: str, group: str = ADMINISTRATOR) -> Member:
    """The staff member with this email and password and in this group, made or changed where need be.

    Raises `Group.DoesNotExist`.
    """
    make_missing_groups()
    defaults = {"name": "Staff", "nickname": "staff", "phone": "0000000"}
    member, _ = Member.objects.select_for_update().get_or_create(email=email.lower(), defaults=defaults)
    member.is_staff = member.is_active = True
    if not member.check_password(password):
        member.set_password(password)
    member.save()
    member.groups.add(Group.objects.get(name=group))
    return member
