"""The settings of the router: `ROUTERS` in Django's settings, typed and with defaults."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


@dataclass(frozen=True)
class Conf:
    """`ROUTERS` as a value.

    REPLICAS: aliases of `DATABASES` that replicate from `default`; none means that all goes there.
    STICK_SECONDS: how long a member's reads stay on the primary after a write. It must be longer
        than the replicas are ever behind.
    REVOKED_SECONDS: how long a revoked token is looked up on the primary only.
    CACHE: the alias in `CACHES` that holds write positions; all worker processes must share it.
    EXPOSE_DATABASE_HEADER: whether answers name in `X-Database` the aliases that served them.
    """

    REPLICAS: list[str] = field(default_factory=list)
    STICK_SECONDS: int = 10
    REVOKED_SECONDS: int = 24 * 3600
    CACHE: str = "default"
    EXPOSE_DATABASE_HEADER: bool = False


@lru_cache(maxsize=1)
def conf() -> Conf:
    return Conf(**getattr(settings, "ROUTERS", {}))


def forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "ROUTERS":
        conf.cache_clear()


setting_changed.connect(forget)
