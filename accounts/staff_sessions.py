"""The browser sessions of staff (`SESSION_ENGINE`), read from a replica only where its word counts.

They are for `/admin` and `/ops` alone; members have tokens (`accounts.authentication`), by the same rules.
"""

import hashlib
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends import db

from routers import consistency


class SessionStore(db.SessionStore):
    """Django's sessions in the database; from the first look at one it is known whose request it is."""

    def load(self) -> dict[str, Any]:
        """What is in the session.

        A replica's "there is one" counts if the replica contains all that its member wrote, a logout
        among it. Its "there is none" never counts: the session may be younger than the replica's state.
        """
        key = self._session_key
        digest = hashlib.sha256(str(key).encode()).hexdigest()
        consistency.presents_token(digest)
        content = super().load()
        if not content and consistency.may_read_replica():
            consistency.require_primary("session unknown")
            self._session_key = key  # which Django forgets where there is no row
            content = super().load()
        if SESSION_KEY not in content or consistency.acts_for(member_of(content), token=digest):
            return content
        with consistency.for_credentials():
            return super().load()


def member_of(content: dict[str, Any]) -> Any:
    return get_user_model()._meta.pk.to_python(content[SESSION_KEY])
