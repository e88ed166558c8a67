"""What the current request (or block) has read and written, and which node it may read."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db import DEFAULT_DB_ALIAS, connections

from routers.conf import conf
from routers.gtid import GTIDSet
from routers.levels import SESSION, STRONG, Level

State = Literal["primary", "replica"]


@dataclass(slots=True)
class Story:
    """What has happened so far. The nested scopes of one request share it.

    Asked for: `level` (by a header: `asked_level`), `required` (transactions that a token names),
    `affinity` (what ties a client to one replica). Known: `started` (monotonic), `member` (whose
    request it is), `members` (who sees a change by it), `claimed` (transactions that were acknowledged
    to them), `lost` (those of them that are gone), `shown` (transactions that the member may have seen).
    Decided, once `settled`: `replica`, or `primary_because`; `trusted`, whether the replica's word on
    credentials counts; `stale`, whether its answer may be behind what the member wrote. Spent: `budget`
    and `wait_seconds`, in seconds; it `waited` for the latest choice. Happened: `wrote`, `announced` (see
    routers.positions), `own` (transactions of its commits), `answered` (aliases, in order), `asked` and
    `failed` (the alias of the latest read, and of a lost connection).
    """

    started: float = field(default_factory=time.monotonic)
    level: Level = SESSION
    asked_level: Level = STRONG
    required: GTIDSet = field(default_factory=GTIDSet)
    shown: GTIDSet = field(default_factory=GTIDSet)
    claimed: GTIDSet = field(default_factory=GTIDSet)
    lost: GTIDSet = field(default_factory=GTIDSet)
    affinity: str | None = None
    member: Any = None
    members: set[Any] = field(default_factory=set)
    settled: bool = False
    replica: str | None = None
    primary_because: str | None = None
    trusted: bool = True
    stale: bool = False
    budget: float = field(default_factory=lambda: conf().WAIT_BUDGET_MS / 1000)
    waited: bool = False
    wait_seconds: float = 0.0
    wrote: bool = False
    announced: dict[Any, str] = field(default_factory=dict)
    answered: list[str] = field(default_factory=list)
    asked: str = DEFAULT_DB_ALIAS
    failed: str | None = None
    own: GTIDSet = field(default_factory=GTIDSet)
    recording: bool = True

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Statements of the router itself answer nobody."""
        self.recording = False
        try:
            yield
        finally:
            self.recording = True


@dataclass(frozen=True)
class Scope:
    """One level of nesting: the state that was asked for, and the story it is part of."""

    state: State
    story: Story
    outer: "Scope | None" = None
    changeable: bool = True  # django-replicated's set_state_change
    starts_view: bool = False  # django-replicated's init

    def may_read_replica(self) -> bool:
        return (
            self.state == "replica"
            and self.story.primary_because is None
            and not connections[DEFAULT_DB_ALIAS].in_atomic_block
        )


# Outside requests (commands, tasks, the shell) there is no scope: all goes to the primary.
_current: ContextVar[Scope | None] = ContextVar("routers_scope", default=None)


def current() -> Scope | None:
    return _current.get()


class request_scope:  # noqa: N801 - used like a function; a generator would cost each request microseconds
    """A new story: nothing read, nothing written. `affinity` ties a client to one replica."""

    def __init__(self, state: State, *, affinity: str | None = None) -> None:
        self._scope = Scope(state, Story(affinity=affinity))

    def __enter__(self) -> Story:
        self._reset = _current.set(self._scope)
        return self._scope.story

    def __exit__(self, *exception: object) -> None:
        _current.reset(self._reset)


@contextmanager
def use_primary() -> Iterator[None]:
    """Reads inside the block go to the primary."""
    with entered(inner("primary")):
        yield


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """The scope is current inside the block."""
    reset = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(reset)


def inner(state: State) -> Scope:
    """A scope inside the current one, or one of a new story."""
    outer = current()
    if outer is None:
        return Scope(state, Story())
    return replace(outer, state=state if outer.changeable else outer.state, outer=outer, starts_view=False)


def push(state: State, *, starts_view: bool = False) -> None:
    """Enter a scope without a block; `pop` leaves it."""
    _current.set(replace(inner(state), starts_view=starts_view))


def pop() -> None:
    scope = current()
    if scope is not None:
        _current.set(scope.outer)


def pop_view() -> None:
    """Leave all scopes up to the latest that starts a view; the outermost one when none does."""
    scope = current()
    while scope is not None and scope.outer is not None and not scope.starts_view:
        scope = scope.outer
    if scope is not None and scope.starts_view:
        scope = scope.outer
    _current.set(scope)


def allow_changes(allowed: bool) -> None:
    scope = current()
    if scope is not None:
        _current.set(replace(scope, changeable=allowed))
