"""Whether an email reaches its member."""

from django.utils import timezone

from accounts import links, mails
from accounts.errors import EmailVerifiedAlready, VerificationLinkDead
from accounts.models import Member
from orders.transactions import retried
from routers import consistency


def ask_for_verification(*, member: Member) -> None:
    """Mail a link to the member. Raises `EmailVerifiedAlready`."""
    if member.email_verified:
        raise EmailVerifiedAlready
    mails.send_after_commit(mails.verify_email, member)


@retried
def verify_email(*, uid: str, token: str) -> None:
    """The link has arrived. Raises `VerificationLinkDead`."""
    member = links.member_of(uid, lock=True)
    if member is None or not links.verifies_email(member, token):
        raise VerificationLinkDead
    consistency.touches(member.pk)
    member.email_verified_at = timezone.now()
    member.save(update_fields=["email_verified_at"])
