"""The open connections of this process: what they answered, and what becomes of those to a lost node."""

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, finalize

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from routers import scope
from routers.errors import is_connection_error
from routers.pool import nodes

# Each connection's socket by a file number of our own: MySQLdb lets no other thread ask for its one, and a
# number that was closed meanwhile may be somebody else's.
_sockets: "WeakKeyDictionary[BaseDatabaseWrapper, socket.socket]" = WeakKeyDictionary()


def register(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """A receiver of Django's `connection_created`: each statement is written down in the story."""
    ours = socket.socket(fileno=os.dup(connection.connection.fileno()))
    finalize(connection, ours.close)
    if former := _sockets.get(connection):
        former.close()
    _sockets[connection] = ours
    if connection.alias in nodes():
        connection.routers_incarnation = nodes()[connection.alias].incarnation  # type: ignore[attr-defined]
    if _record not in connection.execute_wrappers:  # it stays when the connection is made again
        connection.execute_wrappers.append(_record)


def drop_if_from_before(alias: str) -> None:
    """Close this thread's connection if the node was lost since it was opened: it is dead."""
    incarnation = nodes()[alias].incarnation
    if incarnation == 0:  # never lost
        return
    connection = connections[alias]
    if connection.connection is not None and getattr(connection, "routers_incarnation", None) != incarnation:
        connection.close()


def sever(alias: str) -> None:
    """Wake the threads that wait for an answer of this node: it does not answer any more."""
    for connection, its_socket in list(_sockets.items()):
        if connection.alias == alias:
            with contextlib.suppress(OSError):  # it is closed already
                its_socket.shutdown(socket.SHUT_RDWR)


def _record(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    now = scope.current()
    if now is None:
        return execute(sql, params, many, context)
    alias = context["connection"].alias
    try:
        result = execute(sql, params, many, context)
    except Exception as error:
        if is_connection_error(error):
            now.story.failed = alias
        raise
    if now.story.recording and alias not in now.story.answered:
        now.story.answered.append(alias)
    return result
