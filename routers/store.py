"""Where write positions are kept: a Django cache that all processes share, and what to do when it fails.

The store has an *epoch*, a random name. An entry counts only under the epoch it was written in. Whoever
finds the store empty, or could not write an entry, gives it a new epoch; every process that sees a new
one, as it does when it starts, knows that positions may be missing, and from then on requires of every
replica all that the primary had committed at that moment (the *floor*). Numbers from before a
`RESET BINARY LOGS AND GTIDS` are forgotten the same way.
"""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.cache import BaseCache, caches

from routers import events
from routers.conf import conf

EPOCH = "routers:epoch"
LOCK_SECONDS = 10  # after which the lock of a process that died is free
EPOCH_TRIES = 3
LOCK_PATIENCE = 0.05  # seconds a request waits for another one's lock


class StoreLost(Exception):
    """The store does not answer, or did not a moment ago."""


class Store:
    """One per process. Costs nothing while it is down: it is left alone for `STORE_RETRY_SECONDS`."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.floor_due_at: float | None = None  # positions from before may be missing (monotonic time)
        self._retry_at = 0.0
        self._owes_epoch = False

    def read(self, key: str) -> Any:
        """The value under the key, or None. Raises `StoreLost`."""
        found = self._guarded(lambda cache: cache.get_many([EPOCH, key]))
        self._look_at_epoch(found.get(EPOCH))
        return found.get(key)

    def write(self, key: str, value: Any) -> None:
        """Set what is the same whoever writes it. Raises `StoreLost`."""
        self._guarded(lambda cache: cache.set(key, value, timeout=conf().POSITION_SECONDS))

    def update(self, key: str, change: Callable[..., Any], *, seconds: int | None = None) -> None:
        """Replace a value by `change(value, epoch=epoch)`, as one step, and keep it for so many seconds
        (`POSITION_SECONDS`). Raises `StoreLost`.
        """
        try:
            for _ in range(EPOCH_TRIES):
                epoch = self.current_epoch()
                step = partial(_update, key=key, change=partial(change, epoch=epoch), seconds=seconds)
                self._guarded(step)
                # Under an epoch that was replaced meanwhile nobody would read it.
                if self.current_epoch() == epoch:
                    return
            raise StoreLost
        except StoreLost:
            self._owes_epoch = True
            raise

    def current_epoch(self) -> str:
        """The epoch as the store has it now. Raises `StoreLost`."""
        self._look_at_epoch(self._guarded(lambda cache: cache.get(EPOCH)))
        return str(self.epoch)

    def forget_all(self) -> None:
        """Give the store a new epoch: what is in it counts no longer."""
        self._owes_epoch = True
        events.emit("positions_forgotten", reason="transactions of the primary are gone")

    def _look_at_epoch(self, epoch: str | None) -> None:
        if epoch is None or self._owes_epoch:
            epoch = self._guarded(self._new_epoch)
        if epoch != self.epoch:  # also at a process's start: what the store lost before, nobody can tell
            self.floor_due_at = time.monotonic()
            self.epoch = epoch

    def _new_epoch(self, cache: BaseCache) -> str:
        made = uuid.uuid4().hex[:12]
        if self._owes_epoch:
            cache.set(EPOCH, made, timeout=None)
        else:
            cache.add(EPOCH, made, timeout=None)
        self._owes_epoch = False
        return str(cache.get(EPOCH))

    def _guarded(self, action: Callable[[BaseCache], Any]) -> Any:
        if time.monotonic() < self._retry_at:
            raise StoreLost
        try:
            result = action(caches[conf().CACHE])
        except Exception as error:  # each cache backend has errors of its own
            if self._retry_at == 0.0:
                events.emit("position_store_lost", reason=f"{type(error).__name__}: {error}")
            self._retry_at = time.monotonic() + conf().STORE_RETRY_SECONDS
            raise StoreLost from error
        if self._retry_at:
            self._retry_at = 0.0
            self.floor_due_at = time.monotonic()  # others may have failed to write meanwhile
            events.emit("position_store_found")
        return result


def _update(cache: BaseCache, *, key: str, change: Callable[[Any], Any], seconds: int | None = None) -> None:
    seconds = conf().POSITION_SECONDS if seconds is None else seconds
    if hasattr(cache, "update"):  # the backend can do it as one step by itself
        cache.update(key, change, timeout=seconds)
        return
    lock, mine = f"{key}:lock", uuid.uuid4().hex
    deadline = time.monotonic() + LOCK_PATIENCE
    while not cache.add(lock, mine, timeout=LOCK_SECONDS):
        if time.monotonic() > deadline:
            raise TimeoutError("the lock of a write position is held by another process")
        time.sleep(0.001)  # between two tries for the lock
    try:
        cache.set(key, change(cache.get(key)), timeout=seconds)
        if cache.get(lock) != mine:
            raise TimeoutError("the lock of a write position ran out before the position was written")
    finally:
        if cache.get(lock) == mine:
            cache.delete(lock)
