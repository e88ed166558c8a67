"""Choosing the node that answers a request's reads, and waiting for it where that is worth it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DEFAULT_DB_ALIAS, connections

from routers import events, metrics, pool, positions, probe
from routers.conf import conf
from routers.connections import drop_if_from_before
from routers.errors import NoNodeAvailable, is_connection_error
from routers.gtid import GTIDSet
from routers.levels import EVENTUAL, SESSION, STRONG
from routers.replica import Node
from routers.scope import Story
from routers.store import StoreLost

CATCH_UP_SECONDS = 1.0
clock = time.perf_counter

_floor = GTIDSet()  # what every replica must contain since positions were lost: see routers.store


def settle(story: Story) -> bool:
    """Choose the node for the story's reads; answers whether what it has read so far still counts.

    Raises `NoNodeAvailable` where the primary would have to answer, and cannot.
    """
    story.settled = True
    if story.primary_because is not None:
        _catch_up_primary(story)  # whose request it is has become known only there
        return True
    before, story.waited = story.replica, False
    node, reason = _choose(story)
    story.trusted = node is not None
    if story.level < SESSION:
        node = _relaxed(story, node)
    if node is None:
        fall_back(story, reason)
        return False
    drop_if_from_before(node.alias)
    take(story, node)
    return story.trusted and before == node.alias and not story.waited


def take(story: Story, node: Node | None) -> None:
    """The story reads this replica from here on, and no other; None: it is over."""
    replicas = pool.nodes().replicas
    if story.replica in replicas:
        replicas[story.replica].outstanding -= 1
    if node is not None:
        node.outstanding += 1
    story.replica = None if node is None else node.alias


def _choose(story: Story) -> tuple[Node | None, str]:
    """A replica that contains all that the story must see; else None, and why."""
    if story.level == STRONG:
        return None, "strong"
    if not conf().GATE_READS:
        return next(iter(_candidates(story)), None), "no replica in service"
    try:
        required, in_flight = _required(story)
    except StoreLost:
        return None, "position unknown"
    if in_flight:
        story.shown = _all_that_is_shown(story)
        required.append(story.shown)
    candidates = _candidates(story)
    for node in candidates:
        if _contains(node, required, story):
            return node, ""
    return None, "behind" if candidates else "no replica in service"


def _candidates(story: Story) -> list[Node]:
    """The replicas in service, in the order to try them.

    One that was chosen before, for what a token names or for a first read, stays the first.
    """
    ranked = pool.ranked(story.affinity)
    if story.replica is not None:
        ranked.sort(key=lambda node: node.alias != story.replica)
    return ranked


def _required(story: Story) -> tuple[list[GTIDSet], bool]:
    """What a node must contain, and whether that is changing just now. Raises `StoreLost`."""
    if story.member is None and not story.required:
        return [], False
    position = positions.NOTHING if story.member is None else positions.of(story.member)
    required = [position.gtids, story.required, _floor_if_due()]
    return [gtids for gtids in required if gtids], position.in_flight


def _contains(node: Node, required: list[GTIDSet], story: Story) -> bool:
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


def _relaxed(story: Story, node: Node | None) -> Node | None:
    """For `eventual` and `bounded`: a replica for the data, although it may lack what credentials need."""
    if story.level == EVENTUAL:
        found = node or next(iter(pool.ranked(story.affinity)), None) or _any_that_answers()
    else:
        seconds = story.level.seconds
        found = next((n for n in pool.ranked(story.affinity) if n.staleness() <= seconds), None)
    story.trusted = story.trusted and found is node
    story.stale = found is not None and (not story.trusted or not found.in_service())
    return found


def _any_that_answers() -> Node | None:
    return next((node for node in pool.nodes().replicas.values() if node.answers()), None)


def fall_back(story: Story, reason: str) -> None:
    """The primary answers the story's reads from here on. Raises `NoNodeAvailable` when it cannot."""
    if not conf().REPLICAS:
        return
    take(story, None)
    story.primary_because = reason
    admit_to_primary(reason)
    _catch_up_primary(story)


def primary_counts_anew(story: Story) -> bool:
    """Whether the story's commits got numbers that the primary had given before the request began.

    Then it has forgotten its transactions (RESET BINARY LOGS AND GTIDS), or is another server: what
    the replicas contain under these numbers is something else.
    """
    primary = pool.nodes().primary
    return 0.0 < primary.probed_at < story.started and bool(story.own) and primary.contains(story.own)


def await_replicas(story: Story) -> None:
    """The story's commits could not be made known: give the replicas the time of a budget to get them."""
    story.budget = conf().WAIT_BUDGET_MS / 1000
    for node in pool.ranked(None):
        _contains(node, [story.own], story)


def admit_write() -> None:
    """A request that may write needs the primary. Raises `NoNodeAvailable` at once when that is down."""
    primary = pool.nodes().primary
    if not primary.in_service():
        raise NoNodeAvailable(f"the primary is down ({primary.out_because})")
    drop_if_from_before(DEFAULT_DB_ALIAS)


def admit_to_primary(reason: str) -> None:
    """Count a read that falls back. Raises `NoNodeAvailable` when the primary is down or has enough."""
    if not pool.nodes().primary.in_service():
        raise NoNodeAvailable(f"the primary is down, and no replica may answer ({reason})")
    if reason != "strong":
        if not pool.fall_back_allowed():
            raise NoNodeAvailable(f"too many reads fall back to the primary ({reason})")
        events.emit("fall_back", reason=reason)
    drop_if_from_before(DEFAULT_DB_ALIAS)


def _all_that_is_shown(story: Story) -> GTIDSet:
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
                    shown |= executed.of_server(primary.facts.server_uuid) if primary.facts else executed
    return shown


def _catch_up_primary(story: Story) -> None:
    """The primary too must have what the member may have seen on a replica."""
    with suppress(StoreLost):
        if conf().GATE_READS and story.member is not None and positions.of(story.member).in_flight:
            story.shown = story.shown or _all_that_is_shown(story)
    if story.shown:
        with story.unrecorded():
            reached = probe.wait(connections[DEFAULT_DB_ALIAS], story.shown, CATCH_UP_SECONDS)
        if not reached:
            raise NoNodeAvailable("the primary does not show yet what a replica has shown")


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
