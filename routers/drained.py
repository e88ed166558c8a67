"""Replicas that the operators have taken out of service for reads (`manage.py replication drain`).

Each has an entry in the cache beside the write positions. It is never deleted: False says that the
replica was enabled again, no entry that the cache has lost it. Then each process keeps what it knew, and
writes it back. Only if the cache is lost while no process is there to remember, a drain is forgotten.
"""

from typing import Any

from django.core.cache import BaseCache, caches

from routers import events
from routers.conf import conf
from routers.store import StoreLost

REASON = "drained"  # why such a node takes no reads


class Drained:
    """What one process knows of it; `aliases` is as of the latest `look`."""

    def __init__(self) -> None:
        self.aliases: set[str] = set()

    def look(self) -> None:
        """Learn what has changed. A cache that fails changes nothing."""
        try:
            stored = _stored(_cache())
            for alias in self.aliases - stored.keys():
                _cache().add(_key(alias), True, timeout=None)  # noqa: FBT003 - an `enable` of now is not undone
                events.emit("drain_restored", alias=alias)
        except Exception as error:  # noqa: BLE001 - each cache backend has errors of its own
            events.emit("drains_unknown", reason=type(error).__name__)
        else:
            self.aliases = {alias for alias in conf().weights if stored.get(alias, alias in self.aliases)}


def now() -> set[str]:
    """The drained replicas, as all processes will know in a moment. Raises `StoreLost`."""
    try:
        return {alias for alias, is_drained in _stored(_cache()).items() if is_drained}
    except Exception as error:
        raise StoreLost from error


def drain(alias: str) -> None:
    """Out of service for reads, in all processes. Raises `StoreLost`."""
    _store(alias, value=True)


def enable(alias: str) -> None:
    """Into service again, if nothing else keeps it out. Raises `StoreLost`."""
    _store(alias, value=False)


def _store(alias: str, *, value: bool) -> None:
    try:
        _cache().set(_key(alias), value, timeout=None)
    except Exception as error:
        raise StoreLost from error


def _stored(cache: BaseCache) -> dict[str, Any]:
    found = cache.get_many([_key(alias) for alias in conf().weights])
    return {alias: found[_key(alias)] for alias in conf().weights if _key(alias) in found}


def _cache() -> BaseCache:
    return caches[conf().CACHE]


def _key(alias: str) -> str:
    return f"routers:drained:{alias}"
