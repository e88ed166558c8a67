"""The only SQL about replication."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import MySQLdb  # type: ignore[import-untyped]  # has no stubs
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from MySQLdb.cursors import DictCursor  # type: ignore[import-untyped]

from routers.group import Group
from routers.gtid import GTIDSet

Address = tuple[str, int]  # host, port
MAY_NOT_READ = {1142, 1143}  # ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR

# By channel, as JSON: GROUP_CONCAT would cut it off at 1,024 characters.
RECEIVED = """(SELECT JSON_ARRAYAGG(RECEIVED_TRANSACTION_SET)
    FROM performance_schema.replication_connection_status)"""
# Each member as "STATE ROLE SELF ID"; NULL without the plugin of Group Replication.
GROUP = """
    (SELECT MAX(GROUP_NAME) FROM performance_schema.replication_connection_status) AS group_name,
    (SELECT GROUP_CONCAT(
        CONCAT_WS(' ', MEMBER_STATE, MEMBER_ROLE, MEMBER_ID = @@GLOBAL.server_uuid, MEMBER_ID))
        FROM performance_schema.replication_group_members) AS members
"""
# A primary must not be read_only, which the service's account obeys; a replica must be super_read_only.
# Semisync's state is NULL where its plugin is not loaded.
OF_PRIMARY = """
    SELECT @@GLOBAL.server_uuid AS uuid, @@GLOBAL.read_only AS read_only,
        @@GLOBAL.gtid_mode AS gtid_mode, @@GLOBAL.gtid_executed AS executed,
        (SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME
            IN ('Rpl_semi_sync_source_status', 'Rpl_semi_sync_master_status')) AS semisync
"""
# Of a server that may be the primary, or has become it just now and still applies what it had received.
OF_CANDIDATE = f"{OF_PRIMARY}, {RECEIVED} AS received, {GROUP}"
# One round trip for all that is asked of a replica. The time stamps are those of the transactions that
# the applier has begun and not finished (MySQL manual, "Performance Schema Replication Tables");
# Seconds_Behind_Source is not among them: it says 0 or NULL while the receiver is stopped.
OF_REPLICA = f"""
    SELECT @@GLOBAL.server_uuid AS uuid, @@GLOBAL.super_read_only AS read_only,
        NOT @@GLOBAL.read_only AS writable,
        @@GLOBAL.gtid_mode AS gtid_mode, @@GLOBAL.gtid_executed AS executed,
        (SELECT MIN(SERVICE_STATE <> 'OFF') FROM performance_schema.replication_connection_status
            WHERE CHANNEL_NAME <> 'group_replication_recovery') AS receiving,
        (SELECT MIN(SERVICE_STATE = 'ON') FROM performance_schema.replication_applier_status
            WHERE CHANNEL_NAME <> 'group_replication_recovery') AS applying,
        {RECEIVED} AS received,
        (SELECT UNIX_TIMESTAMP(NOW(6)) - MIN(since) FROM (
            SELECT UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP) AS since
            FROM performance_schema.replication_applier_status_by_worker
            UNION ALL SELECT UNIX_TIMESTAMP(PROCESSING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP)
            FROM performance_schema.replication_applier_status_by_coordinator
        ) AS begun WHERE since > 0) AS behind,
        {GROUP}
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class Facts:
    """What a node said about itself.

    Of a replica alone: `receiving` and `applying`, whether its replication threads run (a receiver
    that is trying to reach the primary does). `behind`: how long ago, in seconds, the
    oldest transaction that it has begun to apply was committed on the primary; None when idle.
    `writable`: whether ordinary accounts may write, where `read_only` is super_read_only.
    Of a primary alone: `semisync`, whether commits wait for a replica; None where that is not wanted.
    """

    server_uuid: str
    read_only: bool
    gtid_mode: str
    executed: GTIDSet
    receiving: bool | None = None
    applying: bool | None = None
    received: GTIDSet = field(default_factory=GTIDSet)
    behind: float | None = None
    semisync: bool | None = None
    writable: bool | None = None
    group: Group | None = None

    @property
    def takes_writes(self) -> bool:
        """Whether it is a primary: not read only, and in a group the one that the majority has elected."""
        writable = not self.read_only if self.writable is None else self.writable
        return writable and (self.group is None or self.group.elected)

    @property
    def origin(self) -> str:
        """The UUID under which what it commits is known: its group's, or its own."""
        return self.group.name if self.group else self.server_uuid


def ask(alias: str, timeout: int, *, address: Address | None = None) -> Facts:
    """Probe a node over a connection of its own; the primary at this address, if one is given.

    Raises `MySQLdb.Error` when it does not answer in time.
    """
    with connected(alias, timeout, address=address) as connection:
        if alias != DEFAULT_DB_ALIAS:
            return _facts(_row(connection, OF_REPLICA))
        facts = _facts(_candidate(connection) if address else _row(connection, OF_PRIMARY))
        if facts.semisync is False and not _wants_semisync(connection):
            return replace(facts, semisync=None)
        return facts


def account(alias: str, timeout: int) -> str:
    """Whom the node takes us for, as a GRANT names it. Raises `MySQLdb.Error` like `ask`."""
    with connected(alias, timeout) as connection:
        account = _row(connection, "SELECT CURRENT_USER() AS account")["account"]
    user, _, host = str(account).rpartition("@")
    return f"'{user}'@'{host}'"


def connect(
    alias: str,
    timeout: int,
    *,
    answer_within: int | None = None,
    address: Address | None = None,
    **others: Any,
) -> Any:
    """A connection of its own to the node, outside Django's. Raises `MySQLdb.Error`.

    To the server at `address`, if one is given, with the account of the alias. It gives up after `timeout`
    seconds; while it waits for an answer, after `answer_within`, if given. `others` are MySQLdb's parameters.
    """
    parameters = connections[alias].get_connection_params() | {
        "connect_timeout": timeout,
        "read_timeout": timeout if answer_within is None else answer_within,
        "write_timeout": timeout,
    }
    parameters |= others
    parameters.pop("init_command", None)
    if address is not None:
        parameters["host"], parameters["port"] = address
    return MySQLdb.connect(**parameters)


@contextmanager
def connected(alias: str, timeout: int, *, address: Address | None = None) -> Iterator[Any]:
    """`connect`, and closed at the end."""
    connection = connect(alias, timeout, address=address)
    try:
        yield connection
    finally:
        connection.close()


def _row(connection: Any, query: str) -> dict[str, Any]:
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(query)
        row: dict[str, Any] = cursor.fetchone()
        return row


def _candidate(connection: Any) -> dict[str, Any]:
    """An account for migrations may not read those tables: then `read_only` has to do."""
    try:
        return _row(connection, OF_CANDIDATE)
    except MySQLdb.OperationalError as error:
        if error.args[0] not in MAY_NOT_READ:
            raise
        return _row(connection, OF_PRIMARY)


def _wants_semisync(connection: Any) -> bool:
    for name in ("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled"):  # the latter before 8.0.26
        try:
            return bool(_row(connection, f"SELECT @@GLOBAL.{name} AS wanted")["wanted"])
        except MySQLdb.OperationalError:  # there is no such variable
            continue
    return False


def _facts(row: dict[str, Any]) -> Facts:
    """What the statement did not ask for, has its default."""
    flags = ("receiving", "applying", "writable")
    known: dict[str, Any] = {name: bool(row[name]) for name in flags if name in row}
    if row.get("behind") is not None:
        known["behind"] = float(row["behind"])
    if row.get("semisync") is not None:
        known["semisync"] = row["semisync"] == "ON"
    return Facts(
        row["uuid"],
        bool(row["read_only"]),
        row["gtid_mode"],
        GTIDSet.parse(row["executed"]),
        received=_of_channels(row.get("received")),
        group=Group.parse(row.get("group_name"), row.get("members")),
        **known,
    )


def _of_channels(received: str | None) -> GTIDSet:
    return GTIDSet.parse(",".join(filter(None, json.loads(received or "[]"))))


def wait(connection: BaseDatabaseWrapper, gtids: GTIDSet, seconds: float) -> bool:
    """Whether the node contains the transactions within so many seconds (fractions count).

    `WAIT_FOR_EXECUTED_GTID_SET` needs no privilege and answers 0 at once when it has them already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", [str(gtids), seconds])
        return bool(cursor.fetchone()[0] == 0)


def still_primary(connection: BaseDatabaseWrapper, gtids: GTIDSet) -> tuple[bool, GTIDSet, GTIDSet]:
    """Whether the server takes writes; which of these it has not committed, and which not even received."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@GLOBAL.read_only, @@GLOBAL.gtid_executed, {RECEIVED}")
        read_only, executed, received = cursor.fetchone()
    missing = gtids - GTIDSet.parse(executed) if gtids else gtids
    return not read_only, missing, missing - _of_channels(received) if missing else missing


def executed(connection: BaseDatabaseWrapper) -> GTIDSet:
    """All transactions that the node has committed by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.gtid_executed")
        return GTIDSet.parse(cursor.fetchone()[0])
