"""The browser sessions of staff (`SESSION_ENGINE`), read from a replica only where its word counts.

They are for `/admin` and `/ops` alone; members have tokens (`accounts.authentication`), by the same rules.
"""

import hashlib
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends import db

from routers import credentials


class SessionStore(db.SessionStore):
    """Django's sessions in the database; from the first look at one it is known whose request it is."""

    def load(self) -> dict[str, Any]:
        key = self._session_key
        digest = hashlib.sha256(str(key).encode()).hexdigest()

        def look_up() -> dict[str, Any]:
            self._session_key = key  # which Django forgets where there is no row
            return super(SessionStore, self).load()

        return credentials.looked_up(digest, look_up, owner_of=member_of, unknown="session unknown")


def member_of(content: dict[str, Any]) -> Any:
    """Whose session this is; None where nobody has logged in."""
    key = content.get(SESSION_KEY)
    return None if key is None else get_user_model()._meta.pk.to_python(key)
