"""What a project says to the router: whose request it is, whom a write concerns, where to read.

Inside a request the middleware has opened a scope. Outside (commands, tasks, the shell) all goes to the
primary, unless a block says otherwise:

    with use_replica(): ...             # reads may go to a replica
    token = position_token()            # what has been written so far, to hand on
    with resume(token): ...             # reads come from a replica that contains that
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from routers import admission, gate, positions, probe, tokens
from routers.conf import conf
from routers.gtid import GTIDSet
from routers.scope import Scope, Story, current, entered, inner, use_primary

__all__ = [
    "acts_for",
    "for_credentials",
    "may_ask_for_less",
    "may_read_replica",
    "note_write",
    "position_token",
    "presents_token",
    "require_primary",
    "resume",
    "touches",
    "use_primary",
    "use_replica",
]

# Whose token it is, by its digest. It never changes, so it may be remembered: the request is then sent
# to the member's replica at once. It proves nothing; authentication reads the row every time.
_member_of: dict[str, Any] = {}
REMEMBERED_TOKENS = 10_000


def may_read_replica() -> bool:
    """Whether the next read goes to a replica, as far as is known."""
    scope = current()
    if scope is None or not scope.may_read_replica():
        return False
    return scope.story.replica is not None or (not scope.story.settled and bool(conf().REPLICAS))


def presents_token(digest: str) -> None:
    """The request carries this token: if it is known whose it is, go where they can be answered."""
    if not may_read_replica():
        return
    member_id = _member_of.get(digest) or positions.owner_of(digest)
    if member_id is not None:
        _remember(digest, member_id)
        acts_for(member_id)


def acts_for(member_id: Any, *, token: str | None = None) -> bool:
    """The request is this member's: what they must see must be in what it reads.

    `token` is the digest of the credential that says so. Answers whether the word of the node that
    was read so far counts; if not, read again what credentials rest on, inside `for_credentials`.
    Raises `NoNodeAvailable`.
    """
    if token is not None and token not in _member_of:
        _remember(token, member_id)
        positions.set_owner(token, member_id)
    scope = current()
    if scope is None:
        return True
    touches(member_id)
    story = scope.story
    if scope.state == "primary" or story.wrote or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return True
    if story.member == member_id:  # known from the token: what was read since, was read where it should be
        return story.trusted or story.primary_because is not None
    story.member, story.affinity = member_id, str(member_id)
    return gate.settle(story)


def _remember(digest: str, member_id: Any) -> None:
    if len(_member_of) >= REMEMBERED_TOKENS:
        _member_of.clear()
    _member_of[digest] = member_id


def may_ask_for_less() -> None:
    """The caller is trusted to know what a stale answer is (staff): heed a lower level that they ask for."""
    scope = current()
    if scope is None or scope.state == "primary" or scope.story.wrote:
        return
    if scope.story.asked_level < scope.story.level:
        scope.story.level, scope.story.primary_because = scope.story.asked_level, None
        gate.settle(scope.story)


def for_credentials() -> AbstractContextManager[None]:
    """Reads inside the block come from a node whose word on credentials counts. Raises `NoNodeAvailable`."""
    scope = current()
    if scope is None or scope.story.trusted or not scope.may_read_replica():
        return nullcontext()
    admission.admit_read(scope.story, "credentials")
    return use_primary()


def require_primary(reason: str) -> None:
    """From here on the request reads the primary. Raises `NoNodeAvailable` when that is down."""
    scope = current()
    if scope is not None and scope.may_read_replica():
        gate.fall_back(scope.story, reason)


def note_write() -> None:
    """The request writes: whatever it reads from here on must contain that."""
    scope = current()
    if scope is None:
        return
    scope.story.wrote = True
    if scope.story.primary_because is None:
        scope.story.primary_because = "write in this request"
    _announce(scope.story)


def touches(member_id: Any) -> None:
    """A write of this request changes what this member sees. Say so before its transaction commits."""
    scope = current()
    if scope is not None:
        scope.story.members.add(member_id)
        if scope.story.wrote:
            _announce(scope.story)


def _announce(story: Story) -> None:
    unannounced = story.members - story.announced.keys()
    if unannounced and conf().REPLICAS:
        story.announced |= positions.announce(unannounced)


@contextmanager
def use_replica() -> Iterator[None]:
    """Reads inside the block may go to a replica, unless the story so far needs the primary."""
    begins = current() is None
    with entered(inner("replica")) as scope:
        try:
            settle_if_new(scope)
            yield
        finally:
            if begins:
                gate.take(scope.story, None)


@contextmanager
def resume(token: str) -> Iterator[None]:
    """Reads inside the block come from a node that contains what the token names.

    Raises `tokens.BadToken` for one that is not ours.
    """
    story = Story(required=tokens.read(token) or GTIDSet())
    with entered(Scope("replica", story)):
        try:
            gate.settle(story)
            yield
        finally:
            gate.take(story, None)


def settle_if_new(scope: Scope) -> None:
    """Choose a node, where none has been chosen yet."""
    if scope.may_read_replica() and not scope.story.settled:
        gate.settle(scope.story)


def position_token() -> str:
    """What this request, or outside of one this process, has written so far, for `resume` or for a client."""
    scope = current()
    connection = connections[DEFAULT_DB_ALIAS]
    if scope is None or not hasattr(connection, "take_own_gtids"):
        return tokens.make(probe.executed(connection))
    scope.story.own |= GTIDSet.parse(connection.take_own_gtids())
    return tokens.make(scope.story.own | scope.story.required)
