"""A row that is written on the primary, and how long it takes until each replica shows it."""

import time
from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from routers.models import Canary

BETWEEN_LOOKS = 0.002  # seconds


def fly(aliases: Iterable[str], seconds: float) -> dict[str, float | None]:
    """Seconds until the row could be read, by alias; None for a replica that did not show it in time.

    The row is removed afterwards. Raises `django.db.Error` when the primary does not take it.
    """
    canary = Canary.objects.using(DEFAULT_DB_ALIAS).create()
    began = time.monotonic()
    seen: dict[str, float | None] = dict.fromkeys(aliases)
    try:
        while None in seen.values() and time.monotonic() < began + seconds:
            for alias in [alias for alias, after in seen.items() if after is None]:
                if _shows(alias, canary):
                    seen[alias] = time.monotonic() - began
            time.sleep(BETWEEN_LOOKS)  # the replicas have other work too
    finally:
        canary.delete(using=DEFAULT_DB_ALIAS)
    return seen


def _shows(alias: str, canary: Canary) -> bool:
    try:
        return Canary.objects.using(alias).filter(pk=canary.pk).exists()
    except (DatabaseError, InterfaceError):
        connections[alias].close()
        return False
