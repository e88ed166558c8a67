"""What a session may conclude from the answers it gets."""

import ctypes

import MySQLdb
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import ConnectionHandler

from routers.mysql import session, tracking
from routers.mysql.session import Packets
from routers.mysql.tracking import OwnGtids, error_may_hide_commit, may_commit

SERVER_ERROR = MySQLdb.OperationalError(1050, "Table 't' already exists")
LOST = MySQLdb.OperationalError(2013, "Lost connection to server during query")


@pytest.fixture
def own() -> OwnGtids:
    return OwnGtids()


def test_sets_are_joined_in_the_order_of_the_commits(own):
    own.saw([b"u:1"])
    own.saw([])
    own.saw([b"u:2-3", b"u:tag:1"])

    assert own.known() == "u:1,u:2-3,u:tag:1"


def test_a_packet_that_is_still_there_is_no_news_even_after_forgetting(own):
    own.saw([b"u:1"])
    own.forget()
    own.saw([b"u:1"])

    assert own.known() == ""


def test_what_was_there_before_is_skipped(own):
    own.skip([b"u:1-9"])
    own.saw([b"u:1-9"])
    own.saw([b"u:10"])

    assert own.known() == "u:10"


def test_what_nobody_takes_does_not_grow_without_bound(own):
    for number in range(10 * tracking.LIMIT):
        own.saw([b"u:%d" % number])

    assert own.known().count(",") < tracking.LIMIT
    assert own.doubt


@pytest.mark.parametrize(
    "query",
    [
        b"INSERT INTO t VALUES (1)",
        b"COMMIT",
        b"SET autocommit = 1",
        b"/* why */ SELECT 1",
        b"SELECT 1; DROP TABLE t",
    ],
)
def test_a_statement_may_commit(query):
    assert may_commit(query)


@pytest.mark.parametrize("query", [b"SELECT 1", b"\n  select 1", b"SAVEPOINT s", b"ROLLBACK", b"SHOW TABLES"])
def test_a_statement_commits_nothing(query):
    assert not may_commit(query)


@pytest.mark.parametrize(
    ("query", "error", "hides"),
    [
        (b"CREATE TABLE t (i INT)", SERVER_ERROR, True),  # commits first, then fails
        (b"INSERT INTO t VALUES (1)", SERVER_ERROR, False),
        (b"INSERT INTO t VALUES (1)", LOST, True),
        (b"INSERT INTO t VALUES (1)", MySQLdb.InterfaceError(0, ""), True),
        (b"SELECT 1", LOST, False),
    ],
)
def test_an_error_may_hide_a_commit(query, error, hides):
    assert error_may_hide_commit(query, error) is hides


def capsule(name: bytes, address: int) -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return new(address, name, None)


class Foreign:
    """A driver's connection whose struct is elsewhere, or called otherwise."""

    def __init__(self, name: bytes, address: int) -> None:
        self._get_native_connection = lambda: capsule(name, address)

    def thread_id(self) -> int:
        return 0


@pytest.mark.parametrize(
    "connection", [object(), Foreign(session.CAPSULE, 8), Foreign(b"_mysql.connection.other", 8)]
)
def test_memory_that_is_not_the_drivers_own_is_not_read(connection):
    assert Packets.of(connection) is None


def test_a_client_library_without_session_state_is_not_asked(monkeypatch):
    monkeypatch.setattr(session, "_library", lambda: ctypes.PyDLL(None))

    assert Packets.of(object()) is None


def test_an_unknown_rung_is_refused_with_the_known_ones():
    options = {"capture": "telepathy"}
    handler = ConnectionHandler({"default": {"ENGINE": "routers.mysql", "OPTIONS": options}})

    with pytest.raises(ImproperlyConfigured, match="'telepathy', not one of session_track"):
        handler["default"].get_connection_params()


def test_the_drivers_options_pass_and_ours_does_not():
    options = {"capture": "gtid_executed", "read_timeout": 3}
    handler = ConnectionHandler({"default": {"ENGINE": "routers.mysql", "OPTIONS": options}})

    params = handler["default"].get_connection_params()
    assert params["read_timeout"] == 3
    assert "capture" not in params
