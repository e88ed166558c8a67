"""When a token was last used: to the minute, in the cache that all processes share.

Kept beside the database, so that a read stays a read; and written beside the request, many at a time: each
write of the cache makes every process look anew at what it has read from it. Without the cache nothing is
known, and nobody waits for it: a process that fails to reach it leaves it alone for a while.
"""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from django.core.cache import caches
from knox.models import AuthToken
from knox.settings import knox_settings

log = logging.getLogger(__name__)

EVERY = 60  # seconds between two notes about one token by one process
GATHERED_FOR = 5  # seconds until notes are written, together
PAUSE = 30  # seconds that a cache which failed is left alone
REMEMBERED_TOKENS = 10_000

# digest → when this process last noted it (monotonic). Noting once too often does no harm.
_noted: dict[str, float] = {}
_unwritten: dict[str, float] = {}  # by the key in the cache: seconds since 1970
_lock = threading.Lock()
_failed_at = float("-inf")


def note(auth_token: AuthToken) -> None:
    """The token is being used: told to the cache once a minute at most, later, and never to the database."""
    now = time.monotonic()
    if now - _noted.get(auth_token.digest, float("-inf")) < EVERY or now - _failed_at < PAUSE:
        return
    if len(_noted) >= REMEMBERED_TOKENS:
        _noted.clear()
    _noted[auth_token.digest] = now
    with _lock:
        is_first = not _unwritten
        _unwritten[_key(auth_token.digest)] = datetime.now(UTC).timestamp()
    if is_first:
        _write_later()


def _write_later() -> None:
    timer = threading.Timer(GATHERED_FOR, write)
    timer.daemon = True  # a process that ends does not wait for it
    timer.start()


def write() -> None:
    """Write what this process has gathered. It lives as long as any token may that was made by now."""
    global _unwritten  # one per process
    with _lock:
        notes, _unwritten = _unwritten, {}
    ttl = knox_settings.TOKEN_TTL
    try:
        caches["default"].set_many(notes, timeout=ttl and ttl.total_seconds())
    except Exception as error:  # noqa: BLE001 - each cache backend has errors of its own
        _left_alone(error)


def of(digests: Iterable[str]) -> dict[str, datetime]:
    """When each token was last used, as far as is known; of other processes a few seconds late."""
    digest_of = {_key(digest): digest for digest in digests}
    try:
        found = caches["default"].get_many(digest_of)
    except Exception as error:  # noqa: BLE001 - as above
        _left_alone(error)
        return {}
    found |= {key: used_at for key in digest_of if (used_at := _unwritten.get(key))}
    return {digest_of[key]: datetime.fromtimestamp(used_at, UTC) for key, used_at in found.items()}


def _left_alone(error: Exception) -> None:
    global _failed_at  # noqa: PLW0603 - one cache, one process
    _failed_at = time.monotonic()
    log.warning("last_used_unknown reason=%s", type(error).__name__)


def _key(digest: str) -> str:
    return f"accounts:last_used:{digest}"
