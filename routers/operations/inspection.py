"""All that one node tells about itself when somebody asks. (What is asked all the time: routers.probe.)

Each account sees what it may: what it may not is left out, and the grant for it is named.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs
from MySQLdb.cursors import DictCursor  # type: ignore[import-untyped]  # has no stubs

from routers import probe
from routers.gtid import GTIDSet

OPEN_TO_ALL = """
    SELECT VERSION() AS version, @@GLOBAL.server_id AS server_id, @@GLOBAL.server_uuid AS server_uuid,
        @@GLOBAL.read_only AS read_only, @@GLOBAL.super_read_only AS super_read_only,
        @@GLOBAL.gtid_mode AS gtid_mode, @@GLOBAL.gtid_executed AS executed,
        @@GLOBAL.max_connections AS max_connections
"""
# Under their names before 8.0.26 too, which a server has that was upgraded.
COUNTERS = """
    SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Rpl_semi_sync_source_status',
        'Rpl_semi_sync_source_clients', 'Rpl_semi_sync_replica_status', 'Rpl_semi_sync_master_status',
        'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_slave_status')
"""
RECEIVER = """
    SELECT SERVICE_STATE AS state, SOURCE_UUID AS source_uuid, RECEIVED_TRANSACTION_SET AS received,
        LAST_ERROR_NUMBER AS error_number, LAST_ERROR_MESSAGE AS error,
        HOST AS host, PORT AS port, USER AS user
    FROM performance_schema.replication_connection_status
    JOIN performance_schema.replication_connection_configuration USING (CHANNEL_NAME)
"""
APPLIER = """
    SELECT SERVICE_STATE AS state, DESIRED_DELAY AS delay, REMAINING_DELAY AS remaining_delay
    FROM performance_schema.replication_applier_status
    JOIN performance_schema.replication_applier_configuration USING (CHANNEL_NAME)
"""
APPLIER_ERROR = """
    SELECT LAST_ERROR_NUMBER AS error_number, LAST_ERROR_MESSAGE AS error FROM (
        SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE
        FROM performance_schema.replication_applier_status_by_worker
        UNION ALL SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE
        FROM performance_schema.replication_applier_status_by_coordinator
    ) AS threads WHERE LAST_ERROR_NUMBER <> 0
"""
# `applying_for`: since the oldest transaction that is being applied was committed on the primary.
# `applied_ago`: since the newest that was applied was; what is missing was committed after that.
# `queued`, `queued_ago`: the newest that was received, and since it was.
AGES = """
    SELECT UNIX_TIMESTAMP(NOW(6)) - MIN(NULLIF(begun, 0)) AS applying_for,
        UNIX_TIMESTAMP(NOW(6)) - MAX(NULLIF(done, 0)) AS applied_ago,
        (SELECT MAX(LAST_QUEUED_TRANSACTION) FROM performance_schema.replication_connection_status) AS queued,
        (SELECT UNIX_TIMESTAMP(NOW(6))
                - MAX(UNIX_TIMESTAMP(LAST_QUEUED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))
            FROM performance_schema.replication_connection_status) AS queued_ago
    FROM (
        SELECT UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP) AS begun,
            UNIX_TIMESTAMP(LAST_APPLIED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP) AS done
        FROM performance_schema.replication_applier_status_by_worker
        UNION ALL SELECT UNIX_TIMESTAMP(PROCESSING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP), 0
        FROM performance_schema.replication_applier_status_by_coordinator
    ) AS times
"""
MAY_NOT = {1142, 1143, 1227}  # no right to a table, to a column; a privilege is needed


@dataclass
class Inspection:
    """One node at one moment. `unreachable` says why there is nothing else.

    `facts`, `receiver`, `applier` and `counters` have the keys of the statements above; the two
    threads are {} on a node that replicates from nobody, and None where the account may not look.
    `hidden` names what it may not see, with the grant. `ages` are seconds since commits on the
    primary, as described above.
    """

    alias: str
    unreachable: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, str] = field(default_factory=dict)
    receiver: dict[str, Any] | None = None
    applier: dict[str, Any] | None = None
    ages: dict[str, Any] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    @property
    def is_primary(self) -> bool:
        return self.alias == DEFAULT_DB_ALIAS

    @property
    def executed(self) -> GTIDSet:
        return GTIDSet.parse(self.facts.get("executed", ""))

    def counter(self, *names: str) -> str | None:
        """The first of these that the server has."""
        return next((self.counters[name] for name in names if name in self.counters), None)


def inspect(alias: str, timeout: int) -> Inspection:
    """Ask a node all of it, over a connection of its own."""
    try:
        connection = probe.connect(alias, timeout)
    except (MySQLError, OSError) as error:
        return Inspection(alias, unreachable=_words(error))
    try:
        return _ask(alias, connection)
    except (MySQLError, OSError) as error:
        return Inspection(alias, unreachable=_words(error))
    finally:
        connection.close()


def _ask(alias: str, connection: Any) -> Inspection:
    node = Inspection(alias, facts=_rows(connection, OPEN_TO_ALL)[0])
    node.counters = {row["Variable_name"]: row["Value"] for row in _rows(connection, COUNTERS)}
    try:
        node.receiver = next(iter(_rows(connection, RECEIVER)), {})
        node.applier = next(iter(_rows(connection, APPLIER)), {})
        node.applier |= next(iter(_rows(connection, APPLIER_ERROR)), {}) if node.applier else {}
        node.ages = _rows(connection, AGES)[0] if node.applier else {}
    except MySQLError as error:
        if error.args[0] not in MAY_NOT:
            raise
        node.receiver = node.applier = None
        node.hidden.append(_grant_for(connection))
    return node


def _rows(connection: Any, query: str) -> list[dict[str, Any]]:
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _grant_for(connection: Any) -> str:
    (row,) = _rows(connection, "SELECT CURRENT_USER() AS account")
    user, _, host = row["account"].rpartition("@")
    return (
        "the replication threads, their errors and the lag are not visible:"
        f" GRANT SELECT ON performance_schema.* TO '{user}'@'{host}'"
    )


def _words(error: Exception) -> str:
    return " ".join(str(part) for part in error.args) or type(error).__name__
