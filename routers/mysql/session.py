"""A connection of MySQLdb that hears what each answer says about its own commits.

"Server Tracking of Client Session State" in the MySQL manual: with `session_track_gtids` set, the
OK packet of a commit carries its GTID, and `mysql_session_track_get_first` reads it until the next
packet overwrites it. Django's `on_commit` is too late, since `SET autocommit = 1` comes before it;
`executemany` of UPDATE is several statements. So the ear is where the driver hands packets over.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import MySQLdb  # type: ignore[import-untyped]  # has no stubs
from MySQLdb import _mysql
from MySQLdb.connections import Connection  # type: ignore[import-untyped]

from routers.mysql.tracking import OwnGtids, error_may_hide_commit, may_commit, was_rolled_back

SESSION_TRACK_GTIDS = 3  # enum enum_session_state_type of MySQL, and of MariaDB's connector
CAPSULE = b"_mysql.connection.native_connection"  # what mysqlclient calls its MYSQL struct


class Packets:
    """The session state in the last OK packet of one native connection."""

    def __init__(self, library: ctypes.PyDLL, address: int) -> None:
        self._first: Any = library.mysql_session_track_get_first
        self._next: Any = library.mysql_session_track_get_next
        self._data, self._length = ctypes.c_char_p(), ctypes.c_size_t()
        self._arguments = (
            ctypes.c_void_p(address),
            SESSION_TRACK_GTIDS,
            ctypes.byref(self._data),
            ctypes.byref(self._length),
        )

    @classmethod
    def of(cls, connection: Any) -> "Packets | None":
        """None when the driver, its library or this Python does not let us look."""
        try:
            library = _library()
            address = _address(connection)
            trusted = _lies_in(connection, address) and (
                library.mysql_thread_id(ctypes.c_void_p(address)) == connection.thread_id()
            )
            return cls(library, address) if trusted else None
        except (AttributeError, OSError, TypeError, ValueError):
            return None

    def gtids(self) -> list[bytes]:
        """GTID sets as the server wrote them; the same ones again until the next OK packet."""
        found = []
        ended = self._first(*self._arguments)
        while not ended:
            found.append(ctypes.string_at(self._data, self._length.value))
            ended = self._next(*self._arguments)
        return found


@cache
def _library() -> ctypes.PyDLL:
    """The client library that the driver uses: symbols are looked up in what its module is linked to."""
    library = ctypes.PyDLL(_mysql.__file__)
    library.mysql_thread_id.restype = ctypes.c_ulong
    return library


def _address(connection: Any) -> int:
    """The MYSQL struct's, as the driver gives it to other C code.

    ValueError when the capsule is called otherwise, AttributeError when there is none.
    """
    return int(_capsule_pointer()(connection._get_native_connection(), CAPSULE))


@cache
def _capsule_pointer() -> Any:
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    return prototype(("PyCapsule_GetPointer", ctypes.pythonapi))


def _lies_in(connection: Any, address: int) -> bool:
    """mysqlclient embeds the struct in its object: an address elsewhere is not to be followed."""
    return id(connection) < address < id(connection) + type(connection).__basicsize__


class Session(Connection):  # type: ignore[misc]  # MySQLdb has no stubs
    """A connection that tells `own` about its commits, from `listen` on.

    With `packets` it reads them out of each answer; without, each statement that may have
    committed is a doubt. What escapes it is a SELECT of a stored function that writes: rows do not
    end with an OK packet, and nothing in the statement says that it commits.
    """

    own: OwnGtids | None = None
    packets: Packets | None = None

    def listen(self, own: OwnGtids | None, packets: Packets | None) -> None:
        self.own, self.packets = own, packets
        if own is not None and packets is not None:
            own.skip(packets.gtids())

    def query(self, query: Any) -> None:
        try:
            super().query(query)
        except MySQLdb.Error as error:
            if error_may_hide_commit(_bytes(query), error):
                self._doubt()
            raise
        if not self._heard() and may_commit(_bytes(query)):
            self._doubt()

    def next_result(self) -> int:
        """-1 after the last result of several statements."""
        try:
            more: int = super().next_result()
        except MySQLdb.Error:
            self._doubt()
            raise
        if more == 0:
            self._heard()
        return more

    def commit(self) -> None:
        with self._doubt_on_error():
            super().commit()
        if not self._heard():
            self._doubt()

    def autocommit(self, on: bool) -> None:
        """Turning it on commits an open transaction."""
        with self._doubt_on_error():
            super().autocommit(on)
        if not self._heard() and on:
            self._doubt()

    def _heard(self) -> bool:
        """Whether packets tell all."""
        if self.own is None or self.packets is None:
            return False
        self.own.saw(self.packets.gtids())
        return True

    def _doubt(self) -> None:
        if self.own is not None:
            self.own.doubt = True

    @contextmanager
    def _doubt_on_error(self) -> Iterator[None]:
        try:
            yield
        except MySQLdb.Error as error:
            if not was_rolled_back(error):
                self._doubt()
            raise


def _bytes(query: Any) -> bytes:
    return query.encode() if isinstance(query, str) else bytes(query)
