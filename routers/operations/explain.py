"""Which node a request would read, and why: decided by what decides it for real, without a request."""

from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.urls import resolve

from routers import freshness, gate, levels, pool, positions, scope
from routers.errors import NoNodeAvailable
from routers.middleware import SAFE_METHODS
from routers.operations import view
from routers.store import StoreLost


@dataclass
class Explanation:
    """`node` is None when the request would get 503; `because` says why it is that one.

    `replicas`: of each its state, rank among those in service, and whether it contains what it must.
    """

    view: str
    level: str
    node: str | None = None
    because: str = ""
    must_contain: str = ""
    in_flight: bool = False
    replicas: dict[str, dict[str, Any]] = field(default_factory=dict)


def explain(method: str, path: str, *, member: Any, level: levels.Level | None = None) -> Explanation:
    """As a process would decide that has run for long. Writes nothing. Raises `Resolver404`."""
    match = resolve(path)
    view.look()
    if method not in SAFE_METHODS:
        return _of_write(match._func_path)
    _forget_start()
    declared = levels.level_of(match.func, method)
    wanted = declared if level is None else max(declared, level)
    explanation = Explanation(match._func_path, _name(wanted))
    with scope.request_scope("replica") as story:
        story.level, story.member = wanted, member
        story.affinity = None if member is None else str(member)
        _describe(explanation, story)
        try:
            gate.settle(story)
            explanation.node = story.replica or DEFAULT_DB_ALIAS
            explanation.because = _why(explanation, story)
        except NoNodeAvailable as error:
            explanation.because = f"503: {error.reason}"
        finally:
            gate.take(story, None)
    return explanation


def _of_write(name: str) -> Explanation:
    primary = pool.nodes().primary
    explanation = Explanation(name, "strong", DEFAULT_DB_ALIAS, "a method that may write reads the primary")
    if not primary.in_service():
        explanation.node, explanation.because = None, f"503: the primary is down ({primary.out_because})"
    return explanation


def _forget_start() -> None:
    """A process that starts distrusts positions from before: this one stands for those that run."""
    try:
        positions.store.current_epoch()
    except StoreLost:
        return
    positions.store.floor_due_at = None


def _describe(explanation: Explanation, story: scope.Story) -> None:
    try:
        required, explanation.in_flight = freshness.required(story)
    except StoreLost:
        required = []
    explanation.must_contain = ",".join(str(gtids) for gtids in required)
    ranks = {node.alias: rank for rank, node in enumerate(pool.ranked(story.affinity), start=1)}
    for node in pool.nodes().replicas.values():
        explanation.replicas[node.alias] = {
            "status": node.out_because or "ok",
            "rank": ranks.get(node.alias),
            "contains_it": all(node.contains(gtids) for gtids in required),
            "lag_ms": round(node.lag * 1000) if node.lag != float("inf") else None,
        }


def _why(explanation: Explanation, story: scope.Story) -> str:
    if story.replica is None:
        reasons = {
            "strong": "the view, or the client, asks for the primary",
            "behind": "no replica in service has in time what the member must see",
            "no replica in service": "no replica is in service",
            "position unknown": "what the member must see is not known: the cache of positions fails",
        }
        return reasons.get(str(story.primary_because), str(story.primary_because))
    if story.stale:
        return f"any answer will do for {explanation.level}, though it may be stale"
    chosen = "the first choice of this member" if story.member is not None else "the least busy"
    if (explanation.replicas[story.replica]["rank"] or 1) > 1:
        chosen = "not the first choice, but that one lacks what the member must see"
    waited = f", after a wait of {story.wait_seconds * 1000:.1f} ms" if story.waited else ""
    return f"{chosen}; it contains what they must see{waited}"


def _name(level: levels.Level) -> str:
    named = {levels.EVENTUAL: "eventual", levels.SESSION: "session", levels.STRONG: "strong"}
    return named.get(level, f"bounded={level.seconds:g}")


def lines(explanation: Explanation, style: Any) -> Any:
    """For people. `style` is a command's."""
    node = explanation.node or "no node"
    yield f"{(style.SUCCESS if explanation.node else style.ERROR)(node)}: {explanation.because}"
    yield f"  view          {explanation.view}, level {explanation.level}"
    yield f"  must contain  {explanation.must_contain or 'nothing in particular'}"
    if explanation.in_flight:
        yield "  in flight     a change that concerns the member is being made: only the primary knows"
    for alias, of_replica in explanation.replicas.items():
        contains = "contains it" if of_replica["contains_it"] else "lacks some of it"
        rank = f"choice {of_replica['rank']}" if of_replica["rank"] else "no choice"
        yield f"  {alias:<13} {of_replica['status']}, {rank}, {contains}"
