"""Reads that outlive their request: a streamed answer is made after the middleware has closed its scope."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

from routers import gate, pool, probe
from routers.conf import conf
from routers.errors import is_connection_error
from routers.scope import Scope, Story, current, entered

Answer = TypeVar("Answer")

ATTEMPTS = 3  # the node that was lost, the other replica, the primary


class Continuation:
    """The rest of a long read, part by part: each from a node that contains what its reader must see.

    Begun inside a request, it goes on as that request: its member, its level, what it was shown.
    Begun outside of one (a command), it contains all that was committed by then; the first part waits
    up to `wait_seconds` for a replica that does.
    """

    def __init__(self, *, wait_seconds: float | None = None) -> None:
        scope = current()
        self._begun_in = scope.story if scope else None
        self._state = scope.state if scope else "replica"
        self._wait_seconds = wait_seconds
        self._replica: str | None = None  # that of the part before: the first choice while it does
        self._committed = None
        if scope is None and conf().REPLICAS:
            self._committed = probe.executed(connections[DEFAULT_DB_ALIAS])

    def read(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers. Where its node is lost meanwhile, it is called again on another one.

        As long as the request goes on, the middleware sees to that. Raises `NoNodeAvailable`.
        """
        scope = current()
        if scope is not None and scope.story is self._begun_in:
            answer = ask()
            self._replica = scope.story.replica
            return answer
        for attempt in range(1, ATTEMPTS + 1):
            with self._part() as story:
                try:
                    return ask()
                except Exception as error:
                    if attempt == ATTEMPTS or not is_connection_error(error):
                        raise
                    _lose(story.asked)
        raise AssertionError("the last attempt answers or raises")

    @contextmanager
    def _part(self) -> Iterator[Story]:
        """A story of its own, so that each part chooses anew among the nodes of that moment."""
        story = self._story()
        with entered(Scope(self._state, story)) as scope:
            try:
                if self._replica is not None and pool.nodes()[self._replica].in_service():
                    gate.take(story, pool.nodes()[self._replica])
                if scope.may_read_replica():
                    gate.settle(story)
                self._replica = story.replica
                yield story
            finally:
                gate.take(story, None)

    def _story(self) -> Story:
        story = Story()
        if self._wait_seconds is not None:
            story.budget, self._wait_seconds = self._wait_seconds, None
        if self._committed is not None:
            story.required = self._committed
        if begun := self._begun_in:
            story.level, story.member, story.affinity = begun.level, begun.member, begun.affinity
            story.required = begun.required | begun.own | begun.shown
        return story


def _lose(alias: str) -> None:
    connections[alias].close()
    if alias in pool.nodes():
        pool.nodes()[alias].lose("connection lost")
