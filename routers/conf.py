"""The settings of the router: `ROUTERS` in Django's settings, typed and with defaults."""

from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


@dataclass(frozen=True)
class Conf:
    """`ROUTERS` as a value.

    REPLICAS: aliases of `DATABASES` that replicate from `default`, in a list, or in a dict with the
        weight of each; none means that all goes to the primary.
    CACHE: the alias in `CACHES` that holds write positions; all worker processes must share it.
    GATE_READS: whether a replica must contain a member's writes before it may answer them. Off, the
        guarantees are gone; tests turn it off to see their checker find that.
    WAIT_BUDGET_MS: how long one request may wait, in all, for replicas to catch up.
    MAX_LAG_SECONDS: a replica further behind takes no reads.
    PROBE_SECONDS: how often each process looks at each node; 0: never, all count as healthy.
    PROBE_TIMEOUT_SECONDS: how long a node may take to answer a probe before it counts as unreachable.
    POSITION_SECONDS: how long a write position is kept. Longer than any replica in service is behind.
    STORE_RETRY_SECONDS: how long a failed position store is left alone.
    FALL_BACK_READS_PER_SECOND: how many reads of each process may fall back to the primary; None: all.
    PRIMARY_WAIT_SECONDS: for how long after the loss of the primary writes wait for a new one, where another
        server may become it. Later ones are refused at once.
    RETRY_AFTER_SECONDS: what a 503 tells the client to wait.
    ADMIN_USER, ADMIN_PASSWORD: who may change the servers: for `manage.py replication promote` and `rejoin`.
    REPLICATION_USER, REPLICATION_PASSWORD: as whom a server that was the primary follows the new one.
    EXPOSE_DATABASE_HEADER: whether answers name in `X-Database` the aliases that served them, and
        in `Server-Timing` what the router cost.
    """

    REPLICAS: list[str] | dict[str, float] = field(default_factory=list)
    CACHE: str = "default"
    GATE_READS: bool = True
    WAIT_BUDGET_MS: int = 20
    MAX_LAG_SECONDS: float = 10
    PROBE_SECONDS: float = 0.5
    PROBE_TIMEOUT_SECONDS: int = 1
    POSITION_SECONDS: int = 3600
    STORE_RETRY_SECONDS: float = 0.5
    FALL_BACK_READS_PER_SECOND: float | None = None
    PRIMARY_WAIT_SECONDS: float = 3
    RETRY_AFTER_SECONDS: int = 2
    ADMIN_USER: str = "root"
    ADMIN_PASSWORD: str = field(default="", repr=False)
    REPLICATION_USER: str = "oms_repl"
    REPLICATION_PASSWORD: str = field(default="", repr=False)
    EXPOSE_DATABASE_HEADER: bool = False

    @property
    def weights(self) -> dict[str, float]:
        """Alias → weight, in the order of the settings."""
        return self.REPLICAS if isinstance(self.REPLICAS, dict) else dict.fromkeys(self.REPLICAS, 1.0)


@lru_cache(maxsize=1)
def conf() -> Conf:
    """An unknown key is left out here, and reported by a system check (routers.E001)."""
    known = {field.name for field in fields(Conf)}
    given: dict[str, Any] = getattr(settings, "ROUTERS", {})
    return Conf(**{name: value for name, value in given.items() if name in known})


def forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "ROUTERS":
        conf.cache_clear()


setting_changed.connect(forget)
