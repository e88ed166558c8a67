"""Who must see which write: for how long a member's reads, and a token's look-up, need the primary.

They live in a cache that all worker processes share. A cache that cannot be read counts as a
pending write: doubt costs a read on the primary, never a stale answer.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.core.cache import BaseCache, caches

from routers.conf import conf

log = logging.getLogger(__name__)


def member(member_id: Any) -> str:
    return f"routers:member:{member_id}"


def token(digest: str) -> str:
    return f"routers:token:{digest}"


def record(*, members: Iterable[Any], revoked: Iterable[str]) -> None:
    """Remember the writes of a request; called before its answer is sent."""
    _remember([member(member_id) for member_id in members], conf().STICK_SECONDS)
    _remember([token(digest) for digest in revoked], conf().REVOKED_SECONDS)


def is_pending(key: str) -> bool:
    try:
        return _cache().get(key) is not None
    except Exception:
        log.warning("routers.position_unknown: the cache does not answer; reading the primary", exc_info=True)
        return True


def _remember(keys: list[str], seconds: int) -> None:
    if keys and conf().REPLICAS:
        _cache().set_many(dict.fromkeys(keys, True), timeout=seconds)


def _cache() -> BaseCache:
    return caches[conf().CACHE]
