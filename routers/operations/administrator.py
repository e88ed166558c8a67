"""One server of the topology, as its administrator: the only one who may change who replicates from whom."""

import math
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.conf import settings
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs
from MySQLdb import OperationalError

from routers import primary, probe
from routers.conf import conf
from routers.gtid import GTIDSet
from routers.probe import Address

NO_SUCH_VARIABLE = 1193  # ER_UNKNOWN_SYSTEM_VARIABLE: its plugin is not loaded
PATIENCE = 5  # seconds that an answer may take beyond what it waits for


class NotPossible(Exception):
    """What was asked for cannot, or must not, be done; the message says why, and what to do instead."""


class Server:
    """Named by the alias under which `REPLICAS` has it; reached with `ADMIN_USER` and `ADMIN_PASSWORD`.

    Each call raises `MySQLdb.Error` where the server does not answer, or refuses.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        place = settings.DATABASES[alias]
        self.address: Address = (place["HOST"], int(place["PORT"] or 3306))

    def __str__(self) -> str:
        return f"{self.alias} ({primary.written(self.address)})"

    @cached_property
    def _connection(self) -> Any:
        user, password = conf().ADMIN_USER, conf().ADMIN_PASSWORD
        if not password:
            raise NotPossible("set ADMIN_PASSWORD (and ADMIN_USER, if it is not root): servers are changed")
        connection = probe.connect(
            self.alias, conf().PROBE_TIMEOUT_SECONDS, answer_within=60, user=user, passwd=password, db=""
        )
        connection.autocommit(True)  # noqa: FBT003 - MySQLdb's name for it
        return connection

    def close(self) -> None:
        if "_connection" in vars(self):
            self._connection.close()
            del self._connection

    def run(self, statement: str, params: list[Any] | None = None) -> Any:
        """The rows of its answer."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall()

    def value(self, expression: str) -> Any:
        [(found,)] = self.run(f"SELECT {expression}")
        return found

    def gtids(self, expression: str = "@@GLOBAL.gtid_executed") -> GTIDSet:
        return GTIDSet.parse(self.value(expression) or "")

    def received(self) -> GTIDSet:
        """What its receiver has fetched, applied or not."""
        return GTIDSet.parse(
            ",".join(
                row[0]
                for row in self.run(
                    "SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status"
                )
                if row[0]
            )
        )

    def wait_for(self, gtids: GTIDSet, seconds: float) -> None:
        """Raises `NotPossible` when it has not applied them by then."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:  # in parts: an answer may take only so long
            part = min(left, 30.0)
            [(timed_out,)] = self.run("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", [str(gtids), part])
            if timed_out == 0:
                return
        lacking = gtids - self.gtids()
        raise NotPossible(f"{self} lacks {lacking.count()} after {math.ceil(seconds)} s: {lacking}")

    def wants_semisync(self) -> bool:
        """Whether its commits are to wait for a replica."""
        try:
            return bool(self.value("@@GLOBAL.rpl_semi_sync_source_enabled"))
        except OperationalError as error:
            if error.args[0] != NO_SUCH_VARIABLE:
                raise
            return False

    def group_state(self) -> str | None:
        """`ONLINE` and the like, where it is in a group; else None."""
        rows = self.run(
            "SELECT MEMBER_STATE FROM performance_schema.replication_group_members"
            " WHERE MEMBER_ID = @@GLOBAL.server_uuid"
        )
        return rows[0][0] if rows and rows[0][0] != "OFFLINE" else None

    def answers(self) -> bool:
        try:
            self.value("1")
        except (MySQLError, OSError):
            self.close()
            return False
        return True


def await_true(condition: Callable[[], bool], *, seconds: float, otherwise: str) -> None:
    """Raises `NotPossible` with that sentence when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotPossible(otherwise)
        time.sleep(0.1)  # between two looks
