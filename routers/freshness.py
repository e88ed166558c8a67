"""What a node must contain to answer a request, and whether it does: known, waited for, or not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DEFAULT_DB_ALIAS, connections

from routers import events, metrics, pool, positions, probe
from routers.conf import conf
from routers.connections import drop_if_from_before
from routers.errors import is_connection_error
from routers.gtid import GTIDSet
from routers.replica import Node
from routers.scope import Story
from routers.store import StoreLost

clock = time.perf_counter
TRIES, TRY_SECONDS = 100, 0.02

_floor = GTIDSet()  # what every replica must contain since positions were lost: see routers.store


def required(story: Story) -> tuple[list[GTIDSet], bool]:
    """What a node must contain, and whether that is changing just now. Raises `StoreLost`."""
    if story.member is None and not story.required:
        return [], False
    position = positions.NOTHING if story.member is None else positions.of(story.member)
    story.claimed = position.gtids | story.required if story.required else position.gtids
    required = [position.gtids, story.required, _floor_if_due()]
    return [gtids for gtids in required if gtids], position.in_flight


def contains(node: Node, required: list[GTIDSet], story: Story) -> bool:
    """Whether the node has it all: as far as is known, else by waiting."""
    missing = GTIDSet()
    for gtids in required:
        if not node.contains(gtids):
            missing |= gtids
    return not missing or _wait(node, missing, story)


def _wait(node: Node, gtids: GTIDSet, story: Story) -> bool:
    """Ask the replica to wait, within what is left of the request's budget."""
    seconds = story.budget / 2 if len(pool.nodes().replicas) > 1 else story.budget
    if seconds <= 0.0005 or node.lag > seconds:
        return False
    started = clock()
    reached = _ask_to_wait(node, gtids, seconds, story)
    spent = clock() - started
    story.budget -= spent
    story.wait_seconds += spent
    story.waited = True
    metrics.observe_wait(node.alias, spent, reached=reached)
    if reached:
        node.learn(gtids)
    return reached


def _ask_to_wait(node: Node, gtids: GTIDSet, seconds: float, story: Story) -> bool:
    with _losing_it_on_error(node), story.unrecorded():
        drop_if_from_before(node.alias)
        return probe.wait(connections[node.alias], gtids, seconds)
    return False


def make_known(story: Story) -> None:
    """The story's commits could not be recorded: no answer before that misleads nobody, for two seconds.

    It does not once the store has a new epoch, for then nobody trusts what it had before, or once each
    replica in service has the commits.
    """
    for _ in range(TRIES):
        if _nobody_is_misled(story):
            return
        time.sleep(TRY_SECONDS)  # a store that failed is left alone for a while
    events.emit("position_unknown", reason="neither the store nor the replicas have it")


def _nobody_is_misled(story: Story) -> bool:
    with suppress(StoreLost):
        positions.store.current_epoch()
        return True
    story.budget = conf().WAIT_BUDGET_MS / 1000
    return all(contains(node, [story.own], story) for node in pool.ranked(None))


def primary_counts_anew(story: Story) -> bool:
    """Whether the primary has forgotten its transactions (RESET BINARY LOGS AND GTIDS), or is another server.

    A commit whose number it had given before the request began betrays it; it is asked to make sure.
    What the replicas contain under these numbers is something else then.
    """
    primary = pool.nodes().primary
    known = primary.executed
    if not (story.wrote and 0.0 < primary.probed_at < story.started and known.contains(story.own)):
        return False
    with story.unrecorded():
        return bool(known - probe.executed(connections[DEFAULT_DB_ALIAS]))


def all_that_is_shown(story: Story) -> GTIDSet:
    """What any node has committed by now: whatever the member has seen, and wherever, is in it.

    Asked while a write that concerns them is in flight. Under semisync with AFTER_SYNC a replica may show
    such a write before the primary does. (MySQL manual, "rpl_semi_sync_source_wait_point".)
    """
    primary, shown = pool.nodes().primary, GTIDSet()
    with story.unrecorded():
        for node in pool.nodes():
            if node.answers():
                with _losing_it_on_error(node):
                    drop_if_from_before(node.alias)
                    executed = probe.executed(connections[node.alias])
                    # Only the primary's own can be on a replica first; others there are errant.
                    shown |= executed.of_server(primary.facts.origin) if primary.facts else executed
    return shown


@contextmanager
def _losing_it_on_error(node: Node) -> Iterator[None]:
    """A node that does not answer the router is lost to it, and the request goes on without it."""
    try:
        yield
    except Exception as error:
        if not is_connection_error(error):
            raise
        connections[node.alias].close()
        node.lose("connection lost")


def forget(gtids: GTIDSet) -> None:
    """Nobody can have these any more."""
    global _floor  # noqa: PLW0603 - one per process
    _floor -= gtids


def _floor_if_due() -> GTIDSet:
    """All that the primary had committed when positions were lost; empty while none ever were.

    Raises `StoreLost` until the prober has looked at the primary after that.
    """
    global _floor  # one per process, like the store
    due_at, primary = positions.store.floor_due_at, pool.nodes().primary
    if due_at is not None and conf().PROBE_SECONDS:
        if primary.in_service() and primary.probed_at <= due_at:
            raise StoreLost
        _floor, positions.store.floor_due_at = primary.executed, None
    return _floor
