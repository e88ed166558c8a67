"""Choosing a replica."""

import hashlib
import random

from routers.conf import conf


def choose(affinity: str | None) -> str | None:
    """The alias of a replica, the same one for the same affinity; None when there is no replica.

    Rendezvous hashing (Thaler and Ravishankar, 1998): a replica that comes or goes moves only
    the clients that were, or will be, its own.
    """
    replicas = conf().REPLICAS
    if not replicas:
        return None
    if affinity is None:
        return random.choice(replicas)  # noqa: S311 - balances load, keeps no secret
    return max(replicas, key=lambda alias: hashlib.blake2b(f"{alias} {affinity}".encode()).digest())
