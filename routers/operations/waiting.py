"""Until the replicas have what the primary has now."""

import math
import time
from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import probe
from routers.conf import conf
from routers.gtid import GTIDSet

PATIENCE = 2  # seconds that an answer may take beyond the wait that it is about


def primary_has() -> GTIDSet:
    """Raises `MySQLdb.Error`."""
    return probe.ask(DEFAULT_DB_ALIAS, conf().PROBE_TIMEOUT_SECONDS).executed


def behind(gtids: GTIDSet, aliases: Iterable[str], seconds: float) -> dict[str, str]:
    """Waits so long, in all, for these replicas; who has not got it then, and why."""
    deadline = time.monotonic() + seconds
    found = {alias: _why_behind(alias, gtids, deadline) for alias in aliases}
    return {alias: why for alias, why in found.items() if why}


def _why_behind(alias: str, gtids: GTIDSet, deadline: float) -> str:
    left = max(deadline - time.monotonic(), 0.001)  # 0 would be without end
    try:
        connection = probe.connect(
            alias, conf().PROBE_TIMEOUT_SECONDS, answer_within=math.ceil(left) + PATIENCE
        )
        try:
            if probe.wait(connection, gtids, left):
                return ""
            lacking = gtids - probe.executed(connection)
        finally:
            connection.close()
    except (MySQLError, OSError) as error:
        return f"does not answer ({error})"
    return f"lacks {lacking.count()}: {lacking}" if lacking else ""
