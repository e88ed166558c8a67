"""The only module that touches django-replicated: its state API and decorators, over our scope.

What is kept: the router class, `use_state`/`revert`/`state`/`init`/`reset`/`set_state_change`, and
the decorators `use_master`, `use_slave` and `use_state`. What is replaced: the thread-local state
(ours is a ContextVar), the health checks inside a request, and the error on a write in the state
"slave" (ours turns to the primary).
"""

from typing import Any, Literal

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django_replicated import settings as upstream_defaults
from django_replicated.router import ReplicationRouter

from routers import consistency, scope
from routers.conf import conf

UpstreamState = Literal["master", "slave"]
TO_OURS: dict[str, scope.State] = {"master": "primary", "slave": "replica"}
TO_UPSTREAM: dict[str, UpstreamState] = {"primary": "master", "replica": "slave"}


def install_defaults() -> None:
    """Upstream expects its defaults to be imported into the settings; its decorators fail without them."""
    for name in dir(upstream_defaults):
        if name.startswith("REPLICATED_") and not hasattr(settings, name):
            setattr(settings, name, getattr(upstream_defaults, name))


class StateRouter(ReplicationRouter):  # type: ignore[misc]  # upstream has no annotations
    """django-replicated's router with our state beneath."""

    def __init__(self) -> None:
        # Not super().__init__(): it makes the thread-local that this class replaces.
        self.DEFAULT_DB_ALIAS = DEFAULT_DB_ALIAS

    @property
    def SLAVES(self) -> list[str]:  # noqa: N802 - upstream's name
        return list(conf().REPLICAS) or [DEFAULT_DB_ALIAS]

    @property
    def all_allowed_aliases(self) -> list[str]:
        return [DEFAULT_DB_ALIAS, *conf().REPLICAS]

    def state(self) -> UpstreamState:
        now = scope.current()
        return TO_UPSTREAM[now.state] if now else "master"

    def use_state(self, state: UpstreamState) -> "StateRouter":
        self._push(state)
        return self

    def revert(self) -> None:
        scope.pop()

    def init(self, state: UpstreamState) -> None:
        """Upstream's decorators call it at the start of a view."""
        self._push(state, starts_view=True)

    def _push(self, state: UpstreamState, *, starts_view: bool = False) -> None:
        scope.push(TO_OURS[state], starts_view=starts_view)
        now = scope.current()
        if now is not None:
            consistency.settle_if_new(now)

    def reset(self) -> None:
        """Upstream's decorators call it at the end of a view."""
        scope.pop_view()

    def set_state_change(self, enabled: bool) -> None:
        scope.allow_changes(enabled)

    @property
    def context(self) -> Any:
        raise AttributeError("The thread-local context of django-replicated is replaced by routers.scope.")
