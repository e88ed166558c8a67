"""What the current request (or block) has read and written, and which node it may read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from routers import pool, positions

State = Literal["primary", "replica"]


@dataclass
class Story:
    """What has happened so far. The nested scopes of one request share it."""

    wrote: bool = False
    primary_because: str | None = None
    replica: str | None = None
    members: set[Any] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)


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


@contextmanager
def request_scope(state: State, *, affinity: str | None = None) -> Iterator[Story]:
    """A new story: nothing read, nothing written. `affinity` ties a client to one replica."""
    story = Story(replica=pool.choose(affinity))
    with _entered(Scope(state, story)):
        yield story


@contextmanager
def use_primary() -> Iterator[None]:
    """Reads inside the block go to the primary."""
    with _entered(_inner("primary")):
        yield


@contextmanager
def use_replica() -> Iterator[None]:
    """Reads inside the block may go to a replica, unless the story so far needs the primary."""
    with _entered(_inner("replica")):
        yield


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    reset = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(reset)


def _inner(state: State) -> Scope:
    outer = current()
    if outer is None:
        return Scope(state, Story(replica=pool.choose(None)))
    return replace(outer, state=state if outer.changeable else outer.state, outer=outer, starts_view=False)


def push(state: State, *, starts_view: bool = False) -> None:
    """Enter a scope without a block; `pop` leaves it."""
    _current.set(replace(_inner(state), starts_view=starts_view))


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


def may_read_replica() -> bool:
    """Whether the next read may go to a replica."""
    scope = current()
    return scope is not None and scope.may_read_replica()


def require_primary(reason: str) -> None:
    """From here on the request reads the primary."""
    scope = current()
    if scope is not None and scope.story.primary_because is None:
        scope.story.primary_because = reason


def note_write() -> None:
    """The request writes: whatever it reads from here on must contain that."""
    scope = current()
    if scope is not None:
        scope.story.wrote = True
        require_primary("write in this request")


def acts_for(member_id: Any) -> None:
    """The request is this member's: what they wrote lately must be in what it reads."""
    touches(member_id)
    if positions.is_pending(positions.member(member_id)):
        require_primary("recent write of the member")


def touches(member_id: Any) -> None:
    """A write of this request changes what this member sees."""
    scope = current()
    if scope is not None:
        scope.story.members.add(member_id)


def presents_token(digest: str) -> None:
    """The request carries this token: a replica's word on it does not count after a revocation."""
    if positions.is_pending(positions.token(digest)):
        require_primary("token revoked lately")


def revokes_token(digest: str) -> None:
    """A write of this request revokes this token."""
    scope = current()
    if scope is not None:
        scope.story.revoked.add(digest)


def record_answers(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Make a new connection write down each statement's node in the story."""
    if _record_answer not in connection.execute_wrappers:  # it stays when the connection is made again
        connection.execute_wrappers.append(_record_answer)


def _record_answer(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    result = execute(sql, params, many, context)
    scope = current()
    if scope is not None:
        alias = context["connection"].alias
        if alias not in scope.story.answered:
            scope.story.answered.append(alias)
    return result
