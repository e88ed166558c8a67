"""Letting a request to the primary: it is there, it is the primary still, it may take one more read.

Where another server may become the primary, a request that needs one waits for it a while, and the server
is asked before it is believed: what it answered a moment after its demotion would be old.
"""

from django.db import DEFAULT_DB_ALIAS, connections

from routers import events, lost, pool, primary, probe
from routers.conf import conf
from routers.connections import drop_if_from_before
from routers.errors import NoNodeAvailable, is_connection_error
from routers.gtid import GTIDSet
from routers.scope import Story

TRIES = 3  # a server that was demoted, its successor that was, too, and one more
RECEIVED_SECONDS = 1.0  # for what the primary has received and not applied


def admit_write(story: Story) -> None:
    """A request that may write needs the primary. Raises `NoNodeAvailable` when there is none in time."""
    _admit(story, GTIDSet(), "the primary is down")


def admit_read(story: Story, reason: str) -> None:
    """Count a read that falls back. Raises `NoNodeAvailable` when the primary is down or has enough."""
    falls_back = reason != "strong"
    if falls_back and pool.nodes().primary.in_service() and not pool.fall_back_allowed():
        raise NoNodeAvailable(f"too many reads fall back to the primary ({reason})")
    otherwise = f"the primary is down, and no replica may answer ({reason})"
    _admit(story, story.claimed, otherwise, since=story.started)
    if falls_back:
        events.emit("fall_back", reason=reason)


def _admit(story: Story, claimed: GTIDSet, otherwise: str, *, since: float = 0.0) -> None:
    node = pool.nodes().primary
    for _ in range(TRIES):
        if not node.in_service() and not _found_in_time(since):
            break
        drop_if_from_before(DEFAULT_DB_ALIAS)
        if not primary.moves() or _is_primary(story, claimed):
            return
    raise NoNodeAvailable(f"{otherwise} ({node.out_because})")


def _found_in_time(since: float) -> bool:
    """Only a loss of just now is waited for by writes: later ones are refused at once, until it is found.

    Reads wait from their own beginning: few need it, but all do while replicas are pointed at a new one.
    """
    node = pool.nodes().primary
    until = max(since, node.out_since) + conf().PRIMARY_WAIT_SECONDS
    return primary.moves() and node.await_service(until=until)


def _is_primary(story: Story, claimed: GTIDSet) -> bool:
    """Ask it, and whether it has what the member must see. Raises `NoNodeAvailable` where it will, later."""
    connection, node = connections[DEFAULT_DB_ALIAS], pool.nodes().primary
    try:
        with story.unrecorded():
            writable, missing, never = probe.still_primary(connection, claimed)
            if writable and missing - never and not probe.wait(connection, missing - never, RECEIVED_SECONDS):
                raise NoNodeAvailable("the new primary has received, but not applied, what the member wrote")
    except Exception as error:
        if not is_connection_error(error):
            raise
        connection.close()
        node.lose("connection lost")
        return False
    if not writable:
        node.lose("read only")
        return False
    if never:
        lost.tell(story, never)
    return True
