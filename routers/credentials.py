"""What a credential rests on (a token's row, a session's), as the primary has it, yet seldom read there."""

from collections.abc import Callable
from typing import Any, TypeVar

from routers import consistency

Found = TypeVar("Found")


def looked_up(
    digest: str, look_up: Callable[[], Found], *, owner_of: Callable[[Found], Any], unknown: str
) -> Found:
    """What `look_up` finds; something false where there is nothing. Sends one statement, seldom two.

    A replica's "there is one" counts if the replica contains all that its member (`owner_of`, None for
    nobody's) wrote, a revocation among it. Its "there is none" never counts: what is looked up may be younger
    than the replica's state; `unknown` is the reason why the primary is asked then. `digest` stands
    for the credential. Raises `NoNodeAvailable`.
    """
    consistency.presents_token(digest)
    found = look_up()
    if not found and consistency.may_read_replica():
        consistency.require_primary(unknown)
        found = look_up()
    member_id = owner_of(found) if found else None
    if member_id is None or consistency.acts_for(member_id, token=digest):
        return found
    with consistency.for_credentials():
        return look_up()
