"""Writes of members and their sessions, each one transaction."""

from typing import Any

from django.db import IntegrityError, transaction
from knox.models import AuthToken

from accounts.errors import EmailTaken
from accounts.models import Member
from routers import consistency

DUPLICATE_KEY = 1062  # MySQL's ER_DUP_ENTRY


@transaction.atomic
def register_member(*, email: str, password: str, **details: Any) -> tuple[AuthToken, str]:
    """A new member who is logged in at once: their token's row and its key.

    Raises `EmailTaken`.
    """
    try:
        member = Member.objects.create_user(email, password, **details)
    except IntegrityError as error:
        if error.args[0] != DUPLICATE_KEY:
            raise
        raise EmailTaken from error
    return log_in(member)


def log_in(member: Member) -> tuple[AuthToken, str]:
    """A new token's row, and its key, which is stored nowhere."""
    consistency.touches(member.pk)
    auth_token, key = AuthToken.objects.create(user=member)
    return auth_token, key


def log_out(auth_token: AuthToken) -> None:
    """Revoke this token."""
    consistency.touches(auth_token.user_id)
    auth_token.delete()


@transaction.atomic
def log_out_everywhere(member: Member) -> None:
    """Revoke all tokens of the member."""
    consistency.touches(member.pk)
    AuthToken.objects.filter(user=member).delete()


def change_member(*, member: Member, **changes: Any) -> None:
    """Set these fields of the member."""
    consistency.touches(member.pk)
    for name, value in changes.items():
        setattr(member, name, value)
    member.save(update_fields=list(changes))


@transaction.atomic
def ensure_staff(*, email: str, password: str) -> Member:
    """The staff member with this email and password, made or changed where need be."""
    defaults = {"name": "Staff", "nickname": "staff", "phone": "0000000"}
    member, _ = Member.objects.select_for_update().get_or_create(email=email.lower(), defaults=defaults)
    member.is_staff = member.is_active = True
    if not member.check_password(password):
        member.set_password(password)
    member.save()
    return member
