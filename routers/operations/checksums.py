"""Whether a replica's rows are those of the primary, without stopping writes.

All chunks are compared as they are. Where one differs, its rows are, and those that do are read again in a
way that tells: on the primary; then on the replica, once that contains what the primary had; then on the
primary, once that contains what the replica had. A row that is the same in both looks at the primary was
not changed in between, so the replica had all its changes and no later one: what differs then, is drift.
A row that was changed meanwhile is looked at again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from routers import probe
from routers.operations.tables import Key, Table, quoted

CHUNK = 5000  # rows
BATCH = 500  # rows that are looked at again at once
LOOKS = 20  # at a row that is always being changed
Hashes = dict[Key, str]


class NotCaughtUp(Exception):
    """The replica has not got what the primary had in time: it cannot be compared."""


@dataclass
class Drift:
    """The rows of one table, by primary key, that differ on one replica; `unsettled` never stood still."""

    changed: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)
    extra: list[Key] = field(default_factory=list)
    unsettled: list[Key] = field(default_factory=list)

    def add(self, key: Key, ours: Hashes, theirs: Hashes) -> None:
        if key not in ours:
            self.extra.append(key)
        elif key not in theirs:
            self.missing.append(key)
        else:
            self.changed.append(key)

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.extra)


@dataclass(frozen=True)
class Comparison:
    """The primary and the replicas by alias, each as a connection of its own, not Django's.

    `patience` is how many seconds a replica may take to catch up before a row is looked at again.
    """

    primary: Any
    replicas: dict[str, Any]
    patience: float = 30

    def compare(self, table: Table, done: Callable[[int], None] = lambda rows: None) -> dict[str, Drift]:
        """What differs, by replica. `done` is told how many rows each chunk had.

        Raises `NotCaughtUp` and `MySQLdb.Error`.
        """
        found = {alias: Drift() for alias in self.replicas}
        with ThreadPoolExecutor(1 + len(self.replicas)) as pool:
            for above, up_to in chunks(self.primary, table):
                where = table.between(above, up_to)
                nodes = [self.primary, *self.replicas.values()]
                (rows, ours), *theirs = pool.map(partial(chunk_hash, table, *where), nodes)
                for alias, hashed in zip(self.replicas, theirs, strict=True):
                    if hashed != (rows, ours):
                        self._compare_rows(table, alias, where, found[alias])
                done(rows)
        return found

    def _compare_rows(self, table: Table, alias: str, where: tuple[str, list[Any]], drift: Drift) -> None:
        ours, theirs = (
            row_hashes(self.primary, table, *where),
            row_hashes(self.replicas[alias], table, *where),
        )
        suspects = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
        for at in range(0, len(suspects), BATCH):
            self._settle(table, alias, suspects[at : at + BATCH], drift)

    def _settle(self, table: Table, alias: str, suspects: list[Key], drift: Drift) -> None:
        differed: set[Key] = set()  # once: it might have been changed, and changed back, in between
        for _ in range(LOOKS):
            before, theirs, after = self._sandwich(table, alias, suspects)
            at_rest = {key for key in suspects if before.get(key) == after.get(key)}
            differ = {key for key in at_rest if before.get(key) != theirs.get(key)}
            for key in [key for key in suspects if key in differ & differed]:
                drift.add(key, before, theirs)
            suspects = [key for key in suspects if key not in at_rest or key in differ - differed]
            differed |= differ
            if not suspects:
                return
        drift.unsettled += suspects

    def _sandwich(self, table: Table, alias: str, keys: list[Key]) -> tuple[Hashes, Hashes, Hashes]:
        replica, where = self.replicas[alias], table.among(keys)
        before = row_hashes(self.primary, table, *where)
        if not probe.wait(replica, probe.executed(self.primary), self.patience):
            raise NotCaughtUp(alias)
        theirs = row_hashes(replica, table, *where)
        # Under semisync with AFTER_SYNC a replica may show a commit before the primary does.
        shown = probe.executed(replica).of_server(uuid_of(self.primary))
        if not probe.wait(self.primary, shown, self.patience):
            raise NotCaughtUp("default")
        return before, theirs, row_hashes(self.primary, table, *where)


def chunks(connection: Any, table: Table) -> Iterator[tuple[Key | None, Key | None]]:
    """Bounds of chunks, the lower one excluded. The first and the last are open: no row is left out."""
    above: Key | None = None
    while True:
        condition, params = table.between(above, None)
        query = (
            f"SELECT {table.key_columns} FROM {quoted(table.name)} WHERE {condition}"  # noqa: S608 - names are quoted
            f" ORDER BY {table.key_columns} LIMIT 1 OFFSET {CHUNK - 1}"
        )
        rows = _rows(connection, query, params)
        up_to = tuple(rows[0]) if rows else None
        yield above, up_to
        if up_to is None:
            return
        above = up_to


def chunk_hash(table: Table, condition: str, params: list[Any], connection: Any) -> tuple[int, bytes]:
    query = (
        f"SELECT COUNT(*), BIT_XOR(UNHEX({table.row_hash}))"  # noqa: S608 - names are quoted
        f" FROM {quoted(table.name)} WHERE {condition}"
    )
    [(count, hashed)] = _rows(connection, query, params)
    return count, hashed if count else b""


def row_hashes(connection: Any, table: Table, condition: str, params: list[Any]) -> Hashes:
    query = f"SELECT {table.row_hash}, {table.key_columns} FROM {quoted(table.name)} WHERE {condition}"  # noqa: S608 - names are quoted
    return {tuple(row[1:]): row[0] for row in _rows(connection, query, params)}


def uuid_of(connection: Any) -> str:
    return str(_rows(connection, "SELECT @@GLOBAL.server_uuid", ())[0][0])


def prepare(connection: Any) -> None:
    """TIMESTAMP reads alike on all nodes, and each statement sees what is there when it begins."""
    connection.autocommit(True)  # noqa: FBT003 - MySQLdb's name for it
    _rows(connection, "SET SESSION time_zone = '+00:00'", ())
    _rows(connection, "SET SESSION group_concat_max_len = 65536", ())
    _rows(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", ())


def _rows(connection: Any, query: str, params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()
