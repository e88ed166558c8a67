"""A Django cache in one SQLite file, shared by all processes of one host, with no server to install."""

import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

SCHEMA = """
    CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, expires REAL, value BLOB) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires);
"""
LIVE = "(expires IS NULL OR expires > ?)"
BUSY_SECONDS = 0.25  # how long a statement waits for another process's write
KNOWN_AT_MOST = 10_000  # entries that a thread remembers
SWEEP_EVERY = 1000  # writes of one thread between two sweeps of what has expired

# Connections by file: SQLite's belong to one thread, and must not be carried across a fork.
_opened = threading.local()


class SQLiteCache(BaseCache):
    """Entries in the file LOCATION. Every operation is atomic across processes.

    Raises `sqlite3.Error` when the file cannot be used or stays locked for `BUSY_SECONDS`.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = str(Path(location).absolute())

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self.get_many([key], version=version).get(key, default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        by_key = {self._key(key, version): key for key in keys}
        known, now = self._known(), time.time()
        unknown = [key for key in by_key if key not in known]
        if unknown:
            marks = ", ".join("?" * len(unknown))
            query = f"SELECT key, expires, value FROM entry WHERE key IN ({marks})"  # noqa: S608 - marks are ?
            known |= dict.fromkeys(unknown)
            known |= {key: (expires, value) for key, expires, value in self._execute(query, *unknown)}
        live = {key: row for key in by_key if (row := known[key]) and (row[0] is None or row[0] > now)}
        return {by_key[key]: pickle.loads(value) for key, (_, value) in live.items()}  # noqa: S301 - our own 0600 file

    def _known(self) -> dict[str, Any]:
        """What this thread has read since anybody last wrote: key → (expires, value), or None for no entry.

        SQLite's data_version is another one as soon as another connection has committed
        (https://www.sqlite.org/pragma.html#pragma_data_version); our own writes empty it.
        """
        version = self._connection().execute("PRAGMA data_version").fetchone()
        if _opened.version != version or len(_opened.known) > KNOWN_AT_MOST:
            _opened.version, _opened.known = version, {}
        known: dict[str, Any] = _opened.known
        return known

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._write("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", *self._row(key, value, timeout, version))
        self._sweep_now_and_then()

    def set_many(
        self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        """One commit for all; answers the keys that were not set, which are none."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for key, value in data.items():
                self.set(key, value, timeout=timeout, version=version)
        return []

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        query = (
            "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
            " SET expires = excluded.expires, value = excluded.value WHERE entry.expires <= ?"
        )
        row = self._row(key, value, timeout, version)
        return self._write(query, *row, time.time()).rowcount == 1

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        query = f"UPDATE entry SET expires = ? WHERE key = ? AND {LIVE}"  # noqa: S608 - LIVE is ours
        expires = self.get_backend_timeout(timeout)
        return self._write(query, expires, self._key(key, version), time.time()).rowcount == 1

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._write("DELETE FROM entry WHERE key = ?", self._key(key, version)).rowcount == 1

    def update(
        self,
        key: Any,
        change: Callable[[Any], Any],
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        """Store what `change` makes of the value (None when there is none), as one step; answers that."""
        with self._connection() as connection:  # commits at the end, rolls back on an error
            connection.execute("BEGIN IMMEDIATE")
            value = change(self.get(key, version=version))
            self.set(key, value, timeout=timeout, version=version)
        return value

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            value = self.get(key, version=version)
            if value is None:
                raise ValueError(f"Key '{key}' not found")
            query = "UPDATE entry SET value = ? WHERE key = ?"
            self._write(query, pickle.dumps(value + delta), self._key(key, version))
        return int(value + delta)

    def clear(self) -> None:
        self._write("DELETE FROM entry")

    def _key(self, key: Any, version: int | None) -> str:
        return self.make_key(key, version=version)  # memcached's rules for keys are not ours

    def _row(self, key: Any, value: Any, timeout: Any, version: int | None) -> tuple[Any, ...]:
        return self._key(key, version), self.get_backend_timeout(timeout), pickle.dumps(value)

    def _execute(self, query: str, *params: Any) -> sqlite3.Cursor:
        return self._connection().execute(query, params)

    def _write(self, query: str, *params: Any) -> sqlite3.Cursor:
        connection = self._connection()
        _opened.known = {}
        return connection.execute(query, params)

    def _connection(self) -> sqlite3.Connection:
        opened = (os.getpid(), self._path)
        if getattr(_opened, "what", None) != opened:
            _opened.connection, _opened.writes = _open(self._path), 0
            _opened.version, _opened.known = None, {}
            _opened.what = opened
        connection: sqlite3.Connection = _opened.connection
        return connection

    def _sweep_now_and_then(self) -> None:
        _opened.writes += 1
        if _opened.writes % SWEEP_EVERY == 0:
            self._execute("DELETE FROM entry WHERE expires <= ?", time.time())


def _open(path: str) -> sqlite3.Connection:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    _prepare(connection, tries=50)
    return connection


def _prepare(connection: sqlite3.Connection, tries: int) -> None:
    """SQLite waits for nobody while the journal's mode changes: processes that start at once try again."""
    try:
        # Readers and the writer do not wait for each other; no fsync a write, as a cache may forget.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
    except sqlite3.OperationalError:
        if tries <= 1:
            raise
        time.sleep(0.01)  # between two tries; the other process needs no longer
        _prepare(connection, tries - 1)
