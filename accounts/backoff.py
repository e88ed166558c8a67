"""Wrong passwords cost time: after a few in a row, each further one doubles a wait.

Counted by email and by address, before the password is hashed, whether or not there is such a member.
A success clears the count of the email. It does not clear that of the address, or whoever has one
password would go on guessing others between two logins of their own.

The trade-off: whoever knows an email can make its owner wait, from any number of addresses. So the wait
by email is short (a minute: at most 1,440 guesses a day, however many addresses guess), and the one by
address may be long (15 minutes). Nobody is kept out for longer than that minute by somebody else, unless
they share an address.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches

from accounts.errors import LoginRefused, TooManyFailures, WrongPassword

FORGOTTEN_AFTER = 3600  # seconds without a failure


class Count(NamedTuple):
    """Failures in a row, and when the next attempt may be made (seconds since 1970)."""

    failures: int = 0
    retry_at: float = 0.0

    def refuse_if_early(self, now: float) -> None:
        if now < self.retry_at:
            raise TooManyFailures(self.retry_at - now)

    def one_more(self, now: float, longest: float) -> "Count":
        beyond = self.failures + 1 - settings.LOGIN_BACKOFF["FREE_FAILURES"]
        wait = min(longest, 2.0 ** min(beyond - 1, 32)) if beyond > 0 else 0.0
        return Count(self.failures + 1, now + wait if wait else 0.0)


class Backoff:
    """The waits that `settings.LOGIN_BACKOFF` asks for, counted in the cache of this host."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock

    @contextmanager
    def attempt(self, *, email: str, address: str) -> Iterator[None]:
        """Inside, the password is looked at: `LoginRefused` and `WrongPassword` are failures, no exception
        is a success, any other tells nothing. Raises `TooManyFailures` before."""
        by_email, by_address = _key("email", email.lower()), _key("address", address)
        Count(*caches["local"].get(by_address, ())).refuse_if_early(self.clock())
        before = self._reserve(by_email)
        try:
            yield
        except (LoginRefused, WrongPassword):
            self._count(by_address)
            raise
        except BaseException:
            _update(by_email, lambda count: before)
            raise
        caches["local"].delete(by_email)

    def _reserve(self, by_email: str) -> Count:
        """Count a failure until it is known to be none, or guesses made at the same time would all pass
        before the first has failed. Answers what was counted before.

        Not so by address: there, many may rightly log in at the same time.
        """
        now, before = self.clock(), Count()

        def change(count: Count) -> Count:
            nonlocal before
            before = count
            count.refuse_if_early(now)
            return count.one_more(now, settings.LOGIN_BACKOFF["EMAIL_SECONDS"])

        _update(by_email, change)
        return before

    def _count(self, by_address: str) -> None:
        now = self.clock()
        _update(by_address, lambda count: count.one_more(now, settings.LOGIN_BACKOFF["ADDRESS_SECONDS"]))


def _update(key: str, change: Callable[[Count], Count]) -> None:
    cache: Any = caches["local"]  # its `update` is one step for all processes
    cache.update(key, lambda known: tuple(change(Count(*known or ()))), timeout=FORGOTTEN_AFTER)


def _key(kind: str, value: str) -> str:
    return f"backoff:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"


login_backoff = Backoff()
