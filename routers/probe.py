"""The only SQL about replication."""

from dataclasses import dataclass, field, replace
from typing import Any

import MySQLdb  # type: ignore[import-untyped]  # has no stubs
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from routers.gtid import GTIDSet

VARIABLES = "@@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed"
# A primary must not be read_only, which the service's account obeys; a replica must be super_read_only.
OF_PRIMARY = f"SELECT @@GLOBAL.server_uuid, @@GLOBAL.read_only, {VARIABLES}"
# One round trip for all that is asked of a replica. The time stamps are those of the transactions that
# the applier has begun and not finished (MySQL manual, "Performance Schema Replication Tables");
# Seconds_Behind_Source is not among them: it says 0 or NULL while the receiver is stopped.
OF_REPLICA = f"""
    SELECT @@GLOBAL.server_uuid, @@GLOBAL.super_read_only, {VARIABLES},
        (SELECT MIN(SERVICE_STATE <> 'OFF') FROM performance_schema.replication_connection_status),
        (SELECT MIN(SERVICE_STATE = 'ON') FROM performance_schema.replication_applier_status),
        (SELECT GROUP_CONCAT(RECEIVED_TRANSACTION_SET) FROM performance_schema.replication_connection_status),
        (SELECT UNIX_TIMESTAMP(NOW(6)) - MIN(since) FROM (
            SELECT UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP) AS since
            FROM performance_schema.replication_applier_status_by_worker
            UNION ALL SELECT UNIX_TIMESTAMP(PROCESSING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP)
            FROM performance_schema.replication_applier_status_by_coordinator
        ) AS begun WHERE since > 0)
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class Facts:
    """What a node said about itself.

    Of a replica alone: `receiving` and `applying`, whether its replication threads run (a receiver
    that is trying to reach the primary does). `behind`: how long ago, in seconds, the
    oldest transaction that it has begun to apply was committed on the primary; None when idle.
    """

    server_uuid: str
    read_only: bool
    gtid_mode: str
    executed: GTIDSet
    receiving: bool | None = None
    applying: bool | None = None
    received: GTIDSet = field(default_factory=GTIDSet)
    behind: float | None = None


def ask(alias: str, timeout: int) -> Facts:
    """Probe a node over a connection of its own. Raises `MySQLdb.Error` when it does not answer in time."""
    return _facts(*_row(OF_PRIMARY if alias == DEFAULT_DB_ALIAS else OF_REPLICA, alias, timeout))


def account(alias: str, timeout: int) -> str:
    """Whom the node takes us for, as a GRANT names it. Raises `MySQLdb.Error` like `ask`."""
    (account,) = _row("SELECT CURRENT_USER()", alias, timeout)
    user, _, host = str(account).rpartition("@")
    return f"'{user}'@'{host}'"


def connect(alias: str, timeout: int, *, answer_within: int | None = None) -> Any:
    """A connection of its own to the node, outside Django's. Raises `MySQLdb.Error`.

    It gives up after `timeout` seconds; while it waits for an answer, after `answer_within`, if given.
    """
    parameters = connections[alias].get_connection_params() | {
        "connect_timeout": timeout,
        "read_timeout": timeout if answer_within is None else answer_within,
        "write_timeout": timeout,
    }
    parameters.pop("init_command", None)
    return MySQLdb.connect(**parameters)


def _row(query: str, alias: str, timeout: int) -> Any:
    connection = connect(alias, timeout)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()
    finally:
        connection.close()


def _facts(uuid: str, read_only: int, gtid_mode: str, executed: str, *replication: Any) -> Facts:
    node = Facts(uuid, bool(read_only), gtid_mode, GTIDSet.parse(executed))
    if not replication:
        return node
    receiving, applying, received, behind = replication
    return replace(
        node,
        receiving=bool(receiving),
        applying=bool(applying),
        received=GTIDSet.parse(received or ""),
        behind=None if behind is None else float(behind),
    )


def wait(connection: BaseDatabaseWrapper, gtids: GTIDSet, seconds: float) -> bool:
    """Whether the node contains the transactions within so many seconds (fractions count).

    `WAIT_FOR_EXECUTED_GTID_SET` needs no privilege and answers 0 at once when it has them already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", [str(gtids), seconds])
        return bool(cursor.fetchone()[0] == 0)


def executed(connection: BaseDatabaseWrapper) -> GTIDSet:
    """All transactions that the node has committed by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.gtid_executed")
        return GTIDSet.parse(cursor.fetchone()[0])
