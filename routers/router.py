"""Django's four router methods: decisions only, no SQL."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from routers import consistency, gate, scope
from routers.replicated import StateRouter


class PrimaryReplicaRouter(StateRouter):
    """Writes go to the primary; reads go where the current scope says."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        now = scope.current()
        if now is None or not now.may_read_replica() or _loaded_from_primary(hints.get("instance")):
            return DEFAULT_DB_ALIAS
        story = now.story
        if not story.settled:  # nobody was named and no token was sent: nothing to ask a node
            gate.settle(story)
        story.asked = story.replica or DEFAULT_DB_ALIAS
        return story.asked

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        consistency.note_write()
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        """Rows of all nodes are rows of one database; other databases are somebody else's question."""
        known = {*self.all_allowed_aliases, None}
        return True if {one._state.db, other._state.db} <= known else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Replicas get their tables from the primary."""
        return False if db in self.all_allowed_aliases and db != DEFAULT_DB_ALIAS else None


def _loaded_from_primary(instance: Model | None) -> bool:
    return instance is not None and instance._state.db == DEFAULT_DB_ALIAS
