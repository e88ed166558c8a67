"""How a prober sees the nodes: asked now, in this process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from routers.pool import Nodes, nodes
from routers.prober import Prober

ROUNDS = 2  # a replica's errant transactions show against the primary's next look


def look() -> Nodes:
    """The nodes of this process, after as many looks at them as it takes."""
    prober = Prober()
    with _unlogged():
        for _ in range(ROUNDS):
            prober.look_at_all()
    connections.close_all()
    return nodes()


@contextmanager
def _unlogged() -> Iterator[None]:
    """What is found is printed; a process that serves has its own events."""
    log = logging.getLogger("routers")
    log.disabled, before = True, log.disabled
    try:
        yield
    finally:
        log.disabled = before
