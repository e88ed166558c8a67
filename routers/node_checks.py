"""What must hold of the nodes for the router to keep its word. Looked at when asked:

    manage.py check --tag routers --database default --database replica1 --database replica2

A node that is down is a warning: the router works without it. (Without the tag the command stops there
with an error of Django's own check of each database, `check_database_backends`.)
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import checks, probe
from routers.checks import TAG, Messages
from routers.conf import conf
from routers.mysql.tracking import Rung
from routers.primary import locate, moves

RUN_ON_PRIMARY = "Run on the primary, as its administrator: "
GTID_STEPS = "; ".join(
    ["SET PERSIST enforce_gtid_consistency = ON"]
    + [f"SET PERSIST gtid_mode = {mode}" for mode in ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")]
)
COST = {
    Rung.TRANSACTIONS_HISTORY: "each request that writes costs one statement more, and one with many"
    " transactions waits for those of others too",
    Rung.GTID_EXECUTED: "each request that writes costs one statement more, and its member waits for the"
    " transactions of everybody",
}


@register(TAG, Tags.database)
def check_nodes(app_configs: Any, databases: Collection[str] | None = None, **kwargs: Any) -> Messages:
    """E010 to E015, W010, W011"""
    asked = [alias for alias in checks.nodes() if alias in (databases or ())]
    if not asked or checks.settings_are_wrong():
        return []
    locate(conf().PROBE_TIMEOUT_SECONDS)
    answers = {alias: _ask(alias) for alias in asked}
    facts = {alias: answer for alias, answer in answers.items() if isinstance(answer, probe.Facts)}
    found: Messages = [answer for answer in answers.values() if isinstance(answer, CheckMessage)]
    for alias, of_node in facts.items():
        found += _of_any(alias, of_node)
        found += _of_primary(of_node) if alias == DEFAULT_DB_ALIAS else _of_replica(alias, of_node, facts)
    return found


def _ask(alias: str) -> probe.Facts | CheckMessage:
    try:
        return probe.ask(alias, conf().PROBE_TIMEOUT_SECONDS)
    except (MySQLError, OSError) as error:
        if error.args and error.args[0] in probe.MAY_NOT_READ:
            return _may_not_read(alias)
        return _silent(alias, error)


def _silent(alias: str, error: Exception) -> Warning:
    place = settings.DATABASES[alias]
    return Warning(
        f"'{alias}' was not checked: it does not answer ({error}).",
        hint=f"Run: mysql -h {place['HOST']} -P {place['PORT'] or 3306} -u {place['USER']} -p",
        id="routers.W011",
    )


def _may_not_read(alias: str) -> CheckMessage:
    try:
        account = probe.account(alias, conf().PROBE_TIMEOUT_SECONDS)
    except (MySQLError, OSError) as error:
        return _silent(alias, error)
    return Error(
        f"The account of '{alias}' may not read performance_schema.replication_*: the router cannot know"
        " whether it replicates, and takes it out of service.",
        hint=f"{RUN_ON_PRIMARY}GRANT SELECT ON performance_schema.* TO {account};",
        id="routers.E014",
    )


def _of_any(alias: str, facts: probe.Facts) -> Iterator[CheckMessage]:
    if facts.gtid_mode != "ON":
        yield Error(
            f"gtid_mode of '{alias}' is {facts.gtid_mode}: not each of its transactions has a GTID.",
            hint=f"Run on every node, one step on all before the next: {GTID_STEPS};",
            id="routers.E013",
        )


def _of_replica(alias: str, facts: probe.Facts, of_all: dict[str, probe.Facts]) -> Iterator[CheckMessage]:
    primary = of_all.get(DEFAULT_DB_ALIAS)
    if primary is not None and primary.server_uuid == facts.server_uuid:
        if moves():  # each server is named as a replica, for it may be one
            return
        yield Error(
            f"'{alias}' is the primary: both have the server_uuid {facts.server_uuid}.",
            hint=f'Give DATABASES["{alias}"] the HOST and PORT of a replica.',
            id="routers.E010",
        )
    elif not facts.read_only:
        yield Error(
            f"'{alias}' is writable: super_read_only is OFF.",
            hint=f"Run on '{alias}': SET PERSIST super_read_only = ON;",
            id="routers.E011",
        )


def _of_primary(facts: probe.Facts) -> Iterator[CheckMessage]:
    if facts.read_only:
        yield Error(
            f"The primary, '{DEFAULT_DB_ALIAS}', is read only: super_read_only is ON.",
            hint=f"{RUN_ON_PRIMARY}SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF;"
            f" or, after a failover, point '{DEFAULT_DB_ALIAS}' at the new primary.",
            id="routers.E012",
        )
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError) as error:
        yield _silent(DEFAULT_DB_ALIAS, error)
    else:
        yield from _of_capture(getattr(connection, "capture_rung", Rung.NONE))


def _of_capture(rung: Rung) -> Iterator[CheckMessage]:
    if rung is Rung.NONE:
        yield Error(
            "The primary gives no GTIDs of MySQL's kind: what a member wrote cannot be known.",
            hint="Use MySQL 8.0 or newer. Look with: SELECT VERSION(), @@GLOBAL.gtid_mode;",
            id="routers.E015",
        )
    elif rung in COST:
        yield Warning(
            f"The engine learns what it commits by {rung}, not by {Rung.SESSION_TRACK}: {COST[rung]}.",
            hint='Leave OPTIONS["capture"] out, connect without a proxy in between, and build mysqlclient on'
            " a library that reads them: pip install --force-reinstall --no-binary mysqlclient mysqlclient",
            id="routers.W010",
        )
