"""What tests of members share: the mails that a request has sent."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts import mails
from accounts.backoff import login_backoff


class Clock:
    """Shows what the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stopped_clock(monkeypatch) -> Clock:
    """What the waits after wrong passwords are measured by."""
    clock = Clock()
    monkeypatch.setattr(login_backoff, "clock", clock)
    return clock


@pytest.fixture
def mailed(django_capture_on_commit_callbacks, mailoutbox) -> Callable[[Callable[[], Any]], tuple[Any, list]]:
    """Do something and commit: what it answered, and the mails that it has sent."""

    mails.wait_until_sent(10)  # those of the test before
    mailoutbox.clear()

    def mailed(action: Callable[[], Any]) -> tuple[Any, list]:
        with django_capture_on_commit_callbacks(execute=True):
            answer = action()
        mails.wait_until_sent(10)
        sent = list(mailoutbox)
        mailoutbox.clear()
        return answer, sent

    return mailed


def link_in(mail: Any) -> dict[str, str]:
    """`{uid, token}`, as the link carries them."""
    found = re.search(r"#uid=([^&\s]+)&token=(\S+)", mail.body)
    assert found, mail.body
    return {"uid": found[1], "token": found[2]}
