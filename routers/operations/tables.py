"""A table as it can be compared: in chunks by its primary key, by hashes of whole rows.

A row's hash is the SHA-256 of its columns, each with its length in front, so that no two rows read
alike, and NULL apart. A chunk's is the count of its rows and the XOR of their hashes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

LONG = {"tinyblob", "blob", "mediumblob", "longblob", "tinytext", "text", "mediumtext", "longtext", "json"}
FLOATING = {"float", "double"}
MOMENTS = {"datetime", "timestamp"}

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """`rows` is the server's estimate; `key` the columns of the primary key, none where there is no such.

    `since` narrows it to the rows that name a moment not before that one, in any of their columns.
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    rows: int
    since: datetime | None = None

    @property
    def moments(self) -> list[str]:
        """The columns that hold a date and a time."""
        return [column for column, kind in self.columns.items() if kind in MOMENTS]

    def narrowed(self, since: datetime | None) -> "Table":
        """As it is where no column tells a moment. `since` is aware."""
        return replace(self, since=since.astimezone(UTC)) if since and self.moments else self

    def between(self, above: Key | None, up_to: Key | None) -> tuple[str, list[Any]]:
        """A condition, with its parameters: of keys above the one and not above the other."""
        conditions, params = self._recent()
        for bound, last in ((above, ">"), (up_to, "<=")):
            if bound is not None:
                condition, of_bound = self._beyond(bound, last)
                conditions.append(condition)
                params += of_bound
        return " AND ".join(conditions), params

    def _recent(self) -> tuple[list[str], list[Any]]:
        """The session's time zone is UTC, and Django stores its moments in it."""
        if self.since is None:
            return ["TRUE"], []
        after = " OR ".join(f"{quoted(column)} >= %s" for column in self.moments)
        return [f"({after})"], [f"{self.since:%Y-%m-%d %H:%M:%S.%f}"] * len(self.moments)

    def _beyond(self, bound: Key, last: str) -> tuple[str, list[Any]]:
        """Column by column: the server uses no index for `(a, b) > (1, 2)`."""
        strict, ways = last[0], []
        params: list[Any] = []
        for number, column in enumerate(self.key):
            final = number == len(self.key) - 1
            equal = [f"{quoted(name)} = %s" for name in self.key[:number]]
            ways.append(" AND ".join([*equal, f"{quoted(column)} {last if final else strict} %s"]))
            params += bound[: number + 1]
        return "(" + " OR ".join(f"({way})" for way in ways) + ")", params

    def among(self, keys: Sequence[Key]) -> tuple[str, list[Any]]:
        """A condition, with its parameters: these rows."""
        marks = "(" + ", ".join(["%s"] * len(self.key)) + ")"
        condition = f"({self.key_columns}) IN ({', '.join([marks] * len(keys))})"
        return condition, [part for key in keys for part in key]

    @property
    def key_columns(self) -> str:
        return ", ".join(quoted(name) for name in self.key)

    @property
    def row_hash(self) -> str:
        parts = [_exactly(quoted(name), kind) for name, kind in self.columns.items()]
        return f"SHA2(CONCAT({', '.join(parts)}), 256)"


def _exactly(column: str, kind: str) -> str:
    """Its value as bytes, without loss."""
    if kind in FLOATING:  # shown rounded unless it is computed with
        column = f"({column} + 0e0)"
    text = f"CAST({column} AS CHAR)" if kind == "json" else column
    binary = f"CAST({text} AS BINARY)"
    if kind in LONG:
        binary = f"SHA2({binary}, 256)"
    return f"IFNULL(CONCAT(LENGTH({binary}), ':', {binary}), 'NULL')"


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


TABLES = """
    SELECT TABLE_NAME, IFNULL(TABLE_ROWS, 0) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME
"""
COLUMNS = """
    SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
KEYS = """
    SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY' ORDER BY TABLE_NAME, SEQ_IN_INDEX
"""


def read(connection: Any) -> Iterator[Table]:
    """The tables of the connection's database, by name."""
    with connection.cursor() as cursor:
        columns: dict[str, dict[str, str]] = {}
        keys: dict[str, list[str]] = {}
        for name, column, kind in _all(cursor, COLUMNS):
            columns.setdefault(name, {})[column] = kind.lower()
        for name, column in _all(cursor, KEYS):
            keys.setdefault(name, []).append(column)
        for name, rows in _all(cursor, TABLES):
            yield Table(name, columns[name], tuple(keys.get(name, ())), rows)


def _all(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchall()
