"""What makes the link in a mail worth something: signed, for one member, one use and some time."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.signing import BadSignature, TimestampSigner
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import Member


def uid_of(member: Member) -> str:
    return urlsafe_base64_encode(str(member.pk).encode())


def member_of(uid: str, *, lock: bool = False) -> Member | None:
    """The active member with this uid.

    Links are used by POST, which reads the primary: one that was used, or that a newer password has
    outdated, is dead at once, however late the replicas are.
    """
    try:
        pk = int(urlsafe_base64_decode(uid).decode("ascii"))
    except ValueError:
        return None
    members = Member.objects.select_for_update() if lock else Member.objects.all()
    return members.filter(pk=pk, is_active=True).first()


def password_token(member: Member) -> str:
    """Dead after `PASSWORD_RESET_TIMEOUT` seconds, with a new password, and with another email."""
    return default_token_generator.make_token(member)


def opens_password(member: Member, token: str) -> bool:
    return default_token_generator.check_token(member, token)


def email_token(member: Member) -> str:
    """Dead after `EMAIL_VERIFICATION_TIMEOUT` seconds, and with another email."""
    return _email_signer(member).sign(_EMAIL).removeprefix(f"{_EMAIL}:")


def verifies_email(member: Member, token: str) -> bool:
    """Once only: whose email is verified has nothing left to verify."""
    try:
        _email_signer(member).unsign(f"{_EMAIL}:{token}", max_age=settings.EMAIL_VERIFICATION_TIMEOUT)
    except BadSignature:
        return False
    return not member.email_verified


_EMAIL = "email"


def _email_signer(member: Member) -> TimestampSigner:
    """Member and email are in the salt: the link shows neither, and fits no other."""
    return TimestampSigner(salt=f"accounts.links:{member.pk}:{member.email}")
