"""Choosing the node that answers a request's reads, and waiting for it where that is worth it."""

from contextlib import suppress

from django.db import DEFAULT_DB_ALIAS, connections

from routers import admission, drained, freshness, pool, positions, probe
from routers.conf import conf
from routers.connections import drop_if_from_before
from routers.errors import NoNodeAvailable
from routers.levels import EVENTUAL, SESSION, STRONG
from routers.replica import Node
from routers.scope import Story
from routers.store import StoreLost

CATCH_UP_SECONDS = 1.0


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
        required, in_flight = freshness.required(story)
    except StoreLost:
        return None, "position unknown"
    if in_flight:
        story.shown = freshness.all_that_is_shown(story)
        required.append(story.shown)
    candidates = _candidates(story)
    for node in candidates:
        if freshness.contains(node, required, story):
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
    """The worst of answers before none; but a node that was drained on purpose gives none."""
    replicas = pool.nodes().replicas.values()
    return next((node for node in replicas if node.answers() and node.out_because != drained.REASON), None)


def fall_back(story: Story, reason: str) -> None:
    """The primary answers the story's reads from here on. Raises `NoNodeAvailable` when it cannot."""
    if not conf().REPLICAS:
        return
    take(story, None)
    story.primary_because = reason
    admission.admit_read(story, reason)
    _catch_up_primary(story)


def _catch_up_primary(story: Story) -> None:
    """The primary too must have what the member may have seen on a replica."""
    with suppress(StoreLost):
        if conf().GATE_READS and story.member is not None and positions.of(story.member).in_flight:
            story.shown = story.shown or freshness.all_that_is_shown(story)
    if story.shown:
        with story.unrecorded():
            reached = probe.wait(connections[DEFAULT_DB_ALIAS], story.shown, CATCH_UP_SECONDS)
        if not reached:
            raise NoNodeAvailable("the primary does not show yet what a replica has shown")
