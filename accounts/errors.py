"""What can go wrong with a member, in words that a client may read."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class MemberError(Exception):
    """`sentence` is what the client reads, in the client's language."""

    sentence: str | Promise

    def __init__(self) -> None:
        super().__init__(self.sentence)


class EmailTaken(MemberError):
    """A member with this email exists already."""

    sentence = _("A member with this email exists already; log in instead.")


class LoginRefused(MemberError):
    """No active member has this email and password."""

    sentence = _("No active member has this email and password.")


class WrongPassword(MemberError):
    """The current password that was given is not the member's."""

    sentence = _("This is not your current password.")


class ResetLinkDead(MemberError):
    """The link to set a new password was used, is too old, or was never given out."""

    sentence = _("This link was used already, has expired, or is not ours; ask for a new one.")


class VerificationLinkDead(ResetLinkDead):
    """The link to verify an email was used, is too old, or was never given out."""


class EmailVerifiedAlready(MemberError):
    """There is nothing to verify."""

    sentence = _("Your email is verified already.")


class MemberErased(MemberError):
    """There is nobody left whose details could change."""

    sentence = _("This member was erased; there is nothing to change.")


class TooManyFailures(Exception):
    """Too many wrong passwords for this email or from this address: try again after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait
