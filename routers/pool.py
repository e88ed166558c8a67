"""The nodes of this process, and the order in which replicas are tried."""

import hashlib
import math
import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

from routers.conf import conf
from routers.replica import Node


class Nodes:
    """The primary and its replicas, by the settings. Pinned ones outlive a change of these (in tests)."""

    pinned = False

    def __init__(self, aliases: Iterable[str] | None = None) -> None:
        weights = conf().weights if aliases is None else dict.fromkeys(aliases, 1.0)
        self.primary = Node(DEFAULT_DB_ALIAS)
        self.replicas = {alias: Node(alias, weight) for alias, weight in weights.items()}

    def __getitem__(self, alias: str) -> Node:
        return self.primary if alias == DEFAULT_DB_ALIAS else self.replicas[alias]

    def __contains__(self, alias: str) -> bool:
        return alias == DEFAULT_DB_ALIAS or alias in self.replicas

    def __iter__(self) -> Iterator[Node]:
        yield self.primary
        yield from self.replicas.values()


_nodes: Nodes | None = None


def nodes() -> Nodes:
    global _nodes  # noqa: PLW0603 - one per process, made when the settings are there
    if _nodes is None:
        _nodes = Nodes()
    return _nodes


def forget(*, setting: str = "ROUTERS", **kwargs: object) -> None:
    """Make the nodes anew: the settings have changed."""
    global _nodes  # noqa: PLW0603
    if setting == "ROUTERS" and not (_nodes and _nodes.pinned):
        _nodes = None


setting_changed.connect(forget)


def distrust_replicas(reason: str) -> None:
    """None of them takes reads until it is found to have nothing that the primary has not."""
    for node in nodes().replicas.values():
        node.suspect = True
        node.take_out(reason)


def ranked(affinity: str | None) -> list[Node]:
    """The replicas in service, the first choice first.

    With an affinity, weighted rendezvous hashing: a replica that comes or goes moves only the
    clients that were, or will be, its own (Thaler and Ravishankar, 1998; Schindelhauer and
    Schomaker, 2005, for weights). Without one, the least outstanding in relation to its weight.
    """
    known = nodes().replicas
    replicas = [node for node in known.values() if node.in_service()]
    if len(replicas) < 2:
        return replicas
    if affinity is None:
        return sorted(replicas, key=lambda node: (node.outstanding + 1) / node.weight)
    order = _rendezvous(affinity, tuple((node.alias, node.weight) for node in replicas))
    return [known[alias] for alias in order]


@lru_cache(maxsize=10_000)
def _rendezvous(affinity: str, weights: tuple[tuple[str, float], ...]) -> list[str]:
    """The aliases by their weighted score for this affinity, the highest first."""
    scores = {alias: _score(alias, weight, affinity) for alias, weight in weights}
    return sorted(scores, key=scores.__getitem__, reverse=True)


def _score(alias: str, weight: float, affinity: str) -> float:
    digest = hashlib.blake2b(f"{alias} {affinity}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / 2**64
    return -weight / math.log(uniform)


class TokenBucket:
    """Lets `rate` reads a second pass, and bursts of one second's worth."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._tokens = rate
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, now: float | None = None) -> bool:
        now = time.monotonic() if now is None else now
        with self._lock:
            self._tokens = min(self.rate, self._tokens + (now - self._at) * self.rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


_bucket: TokenBucket | None = None


def fall_back_allowed() -> bool:
    """Whether one more read may fall back to the primary now."""
    global _bucket  # noqa: PLW0603 - one per process
    rate = conf().FALL_BACK_READS_PER_SECOND
    if rate is None:
        return True
    if _bucket is None or _bucket.rate != rate:
        _bucket = TokenBucket(rate)
    return _bucket.take()
