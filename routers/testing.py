"""For the tests of whoever uses the router: nodes in memory, a clock that is set by hand, and assertions.

A replica's alias in Django's tests (`TEST["MIRROR"]`) is the primary's database by another connection:
such a test shows which alias is asked, and nothing about freshness, for there is no replication in it.
Here replication is played: what a node contains is said by the test.

    with Twin() as twin, request(member=7) as story:
        write = twin.commit()                  # a transaction on the primary
        ...
        with assert_routed_to("default"):      # no replica has it
            Order.objects.first()
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.db import router as django_router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from routers import consistency, gate, levels, pool, scope
from routers.gtid import GTIDSet

UUID = "00000000-0000-0000-0000-000000000001"


class Twin:
    """The primary and its replicas in memory, in place of those of the settings.

    `now` is its clock, in seconds. A replica contains what `apply` gave it; one with a `delay`
    contains each transaction that many seconds after its commit.
    """

    def __init__(self, *replicas: str) -> None:
        self.now = 0.0
        self.delays: dict[str, float] = {}
        self._commits: list[float] = []
        self._aliases = replicas
        self._stack = ExitStack()

    def __enter__(self) -> "Twin":
        self.nodes = pool.Nodes(self._aliases or None)
        self.nodes.pinned = True
        self.waits: list[tuple[str, GTIDSet, float]] = []
        for target, replacement in {
            "routers.pool._nodes": self.nodes,
            "routers.probe.wait": self.wait,
            "routers.probe.executed": lambda connection: self.nodes[connection.alias].executed,
            "routers.freshness.clock": lambda: self.now,
            "routers.freshness.drop_if_from_before": lambda alias: None,
            "routers.gate.drop_if_from_before": lambda alias: None,
        }.items():
            self._stack.enter_context(mock.patch(target, replacement))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def commit(self) -> GTIDSet:
        """One more transaction on the primary; its GTID."""
        self._commits.append(self.now)
        gtid = GTIDSet.parse(f"{UUID}:{len(self._commits)}")
        self.nodes.primary.executed |= gtid
        return gtid

    def apply(self, *aliases: str) -> None:
        """These replicas (all, when none is named) now contain all that the primary has."""
        for alias in aliases or self.nodes.replicas:
            self.nodes[alias].executed = self.nodes.primary.executed

    def wait(self, connection: BaseDatabaseWrapper, gtids: GTIDSet, seconds: float) -> bool:
        """The clock goes on until the replica contains them, or the time is over."""
        alias = connection.alias
        self.waits.append((alias, gtids, seconds))
        missing_until = self._contained_at(alias, gtids)
        self.now = min(self.now + seconds, max(missing_until, self.now))
        return self.now >= missing_until

    def _contained_at(self, alias: str, gtids: GTIDSet) -> float:
        if self.nodes[alias].contains(gtids):
            return self.now
        if alias not in self.delays:
            return float("inf")
        newest = max(
            n for n, _ in enumerate(self._commits, 1) if gtids.contains(GTIDSet.parse(f"{UUID}:{n}"))
        )
        return self._commits[newest - 1] + self.delays[alias]


@contextmanager
def request(
    *,
    member: Any = None,
    method: str = "GET",
    level: levels.Level = levels.SESSION,
    affinity: str | None = None,
) -> Iterator[scope.Story]:
    """Inside a request, as the middleware opens it and authentication names its member."""
    state: scope.State = "replica" if method in {"GET", "HEAD", "OPTIONS", "TRACE"} else "primary"
    with scope.request_scope(state, affinity=affinity) as story:
        story.level = level
        if state == "replica":
            gate.settle(story)
        if member is not None:
            consistency.acts_for(member)
        yield story


@contextmanager
def assert_routed_to(*aliases: str) -> Iterator[None]:
    """The reads inside the block are asked of these aliases, in this order, each named once."""
    asked: list[str] = []
    decide = django_router.db_for_read

    def note(model: type[Model], **hints: Any) -> str:
        alias: str = decide(model, **hints)
        if alias not in asked:
            asked.append(alias)
        return alias

    with mock.patch.object(django_router, "db_for_read", note):
        yield
    if tuple(asked) != aliases:
        raise AssertionError(f"routed to {asked}, not to {list(aliases)}")
