"""Mails to members, sent beside the request: how long that takes, or that it fails, tells nobody that
there is such a member."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import links
from accounts.models import Member

log = logging.getLogger(__name__)

WAITING_AT_MOST = 1000

# One thread a process, from its first mail on. It is let finish when the process ends.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mails")
_room = BoundedSemaphore(WAITING_AT_MOST)


def send_after_commit(compose: Callable[[Member], EmailMessage], member: Member) -> None:
    """Send what `compose` makes for the member, in the language of this request; runs no SQL."""
    language = translation.get_language()
    transaction.on_commit(partial(_queue, compose, member, language))


def reset_password(member: Member) -> EmailMessage:
    link = settings.PASSWORD_RESET_URL.format(uid=links.uid_of(member), token=links.password_token(member))
    body = _(
        "Somebody, hopefully you, asked for a new password.\n\n"
        "To set one, open this link; it works once:\n\n%(link)s\n\n"
        "If it was not you, there is nothing to do."
    )
    return EmailMessage(_("Set a new password"), body % {"link": link}, to=[member.email])


def verify_email(member: Member) -> EmailMessage:
    link = settings.EMAIL_VERIFICATION_URL.format(uid=links.uid_of(member), token=links.email_token(member))
    body = _(
        "To confirm that this address is yours, open this link; it works once:\n\n%(link)s\n\n"
        "If you did not register with us, there is nothing to do."
    )
    return EmailMessage(_("Confirm your email address"), body % {"link": link}, to=[member.email])


def wait_until_sent(seconds: float) -> None:
    """Until what was queued by now has been tried; for tests."""
    _sender.submit(lambda: None).result(seconds)


def _queue(compose: Callable[[Member], EmailMessage], member: Member, language: str | None) -> None:
    if _room.acquire(blocking=False):
        _sender.submit(_send, compose, member, language)
    else:
        log.error("mail_dropped kind=%s reason=too many are waiting", compose.__name__)


def _send(compose: Callable[[Member], EmailMessage], member: Member, language: str | None) -> None:
    try:
        with translation.override(language):
            compose(member).send()
    except Exception as error:  # noqa: BLE001 - no mail server's fault may stop the next mail
        # The kind of error only: its text names the address.
        log.error("mail_failed kind=%s reason=%s", compose.__name__, type(error).__name__)
    finally:
        _room.release()
