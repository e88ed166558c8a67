"""A session knows the GTIDs of its own commits: compared with what the primary has executed."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import pytest
from django.db import ConnectionHandler, OperationalError, connections
from django.db.backends.mysql import base as stock
from MySQLdb.connections import Connection

from routers.mysql import tracking
from routers.mysql.base import DatabaseWrapper
from routers.mysql.session import Session
from routers.mysql.tracking import Rung
from tests.replication import session_actions as actions
from tests.replication.session_actions import ALIAS, DATA, SCHEMA, rows, sql

SCRATCH = "test_oms_capture"
CREATE = "CREATE TABLE {}.test_capture_row (id BIGINT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40) UNIQUE)"


class Primary:
    """The primary as a bystander sees it."""

    def __init__(self) -> None:
        parts = urlsplit(os.environ["MIGRATION_DATABASE_URL"])
        self.connection = MySQLdb.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=parts.password,
            autocommit=True,
        )

    def run(self, query: str, *args: Any) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(query, args)
            return cursor.fetchone()[0] if cursor.description else None

    def executed(self) -> str:
        return self.run("SELECT @@GLOBAL.gtid_executed")

    def executed_since(self, before: str) -> str:
        return self.run("SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)", before)

    def holds(self, subset: str, whole: str) -> bool:
        return bool(self.run("SELECT GTID_SUBSET(%s, %s)", subset, whole))


@pytest.fixture(scope="module")
def primary() -> Iterator[Primary]:
    primary = Primary()
    drop = f"DROP DATABASE IF EXISTS {SCRATCH}", "DROP TABLE IF EXISTS oms.test_capture_row"
    for statement in (*drop, f"CREATE DATABASE {SCRATCH}", CREATE.format(SCRATCH), CREATE.format("oms")):
        primary.run(statement)
    yield primary
    for statement in drop:
        primary.run(statement)
    primary.connection.close()


def settings_of(url: str, name: str, engine: str = "routers.mysql", **options: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": engine,
        "NAME": name,
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password,
        "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 2, "read_timeout": 20, **options},
    }


def migrator(**options: Any) -> dict[str, Any]:
    return settings_of(os.environ["MIGRATION_DATABASE_URL"], SCRATCH, **options)


def service(**options: Any) -> dict[str, Any]:
    """The account of the service: it may read performance_schema, and changes no tables."""
    return settings_of(os.environ["SERVICE_DATABASE_URL"], "oms", **options)


@pytest.fixture
def connect(primary, django_db_blocker) -> Iterator[Callable[..., Any]]:
    """Opens a connection that the ORM knows as ALIAS in this thread."""
    opened = []

    def connect(settings: dict[str, Any]) -> Any:
        connections[ALIAS] = ConnectionHandler({"default": {}, ALIAS: settings})[ALIAS]
        opened.append(connections[ALIAS])
        opened[-1].ensure_connection()
        return opened[-1]

    with django_db_blocker.unblock():
        yield connect
        for connection in opened:
            connection.close()
        if opened:
            del connections[ALIAS]


@pytest.fixture
def connection(connect) -> DatabaseWrapper:
    connection = connect(migrator())
    assert connection.capture_rung is Rung.SESSION_TRACK
    rows.create()
    connection.forget_own_gtids()
    return connection


def name(action: Any) -> str | None:
    return getattr(action, "__name__", None)


def count(primary: Primary, gtids: str) -> int:
    """Of one server's transactions: `uuid:1-3:5` are four."""
    ends = [interval.split("-") for interval in gtids.replace("\n", "").split(":")[1:]]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)


def expect_exactly_its_own(primary: Primary, connection: DatabaseWrapper, action: Any) -> str:
    """The truth is what the primary has executed meanwhile, since nobody else writes."""
    before = primary.executed()
    action()
    taken, truth = connection.take_own_gtids(), primary.executed_since(before)
    assert primary.holds(truth, taken), f"{taken!r} lacks of {truth!r}"
    assert primary.holds(taken, truth), f"{taken!r} exceeds {truth!r}"
    return truth


def expect_at_least_its_own(primary: Primary, connection: DatabaseWrapper, action: Any) -> str:
    before = primary.executed()
    action()
    taken, truth = connection.take_own_gtids(), primary.executed_since(before)
    assert primary.holds(truth, taken), f"{taken!r} lacks of {truth!r}"
    return truth


# --- the best rung: exact, and free ----------------------------------------------------------


@pytest.mark.parametrize(("action", "transactions"), (DATA | SCHEMA).items(), ids=name)
def test_a_session_knows_exactly_its_own_commits(primary, connection, action, transactions):
    truth = expect_exactly_its_own(primary, connection, action)
    assert count(primary, truth) == transactions
    assert connection.take_own_gtids() == ""


@pytest.mark.parametrize(
    "action",
    [actions.an_autocommitted_insert, actions.an_atomic_block, actions.executemany_of_updates],
    ids=name,
)
def test_a_tracker_that_reads_one_statement_too_late_is_noticed(primary, connection, action, monkeypatch):
    def late_query(self, query):
        self._heard()
        Connection.query(self, query)

    def late_commit(self):
        self._heard()
        Connection.commit(self)

    monkeypatch.setattr(Session, "query", late_query)
    monkeypatch.setattr(Session, "commit", late_commit)
    monkeypatch.setattr(Session, "autocommit", Connection.autocommit)
    with pytest.raises(AssertionError, match="lacks of"):
        expect_exactly_its_own(primary, connection, action)


def statements(connection: Any, action: Any) -> dict[str, int]:
    """How often the session has run each kind of statement during the action."""

    def counted() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SHOW SESSION STATUS WHERE Variable_name LIKE 'Questions' OR Variable_name LIKE 'Com%'"
            )
            return {kind: int(number) for kind, number in cursor if number.isdecimal()}

    before = counted()
    action()
    return {kind: number - before[kind] for kind, number in counted().items()}


@pytest.mark.parametrize("action", DATA, ids=name)
def test_knowing_costs_no_statement(connect, connection, action):
    def act_and_take():
        connection.forget_own_gtids()
        action()
        connection.take_own_gtids()

    with_engine = statements(connection, act_and_take)
    without = statements(connect(migrator(engine="django.db.backends.mysql")), action)
    assert with_engine["Questions"] > 0
    assert with_engine == without


def test_forgetting_drops_what_an_earlier_request_left(primary, connection):
    actions.an_autocommitted_insert()
    connection.forget_own_gtids()

    actions.selects_only()
    assert connection.take_own_gtids() == ""
    expect_exactly_its_own(primary, connection, actions.an_autocommitted_insert)


def test_two_sessions_know_only_their_own_commits(primary, django_db_blocker):
    taken: dict[str, list[str]] = {"one": [], "other": []}
    barrier = threading.Barrier(2, timeout=20)

    def write(who: str) -> None:
        connection = ConnectionHandler({"default": {}, who: migrator()})[who]
        for _ in range(30):
            barrier.wait()
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO test_capture_row () VALUES ()")
            taken[who].append(connection.take_own_gtids())
        connection.close()

    before = primary.executed()
    with django_db_blocker.unblock():
        threads = [threading.Thread(target=write, args=[who]) for who in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len({*taken["one"], *taken["other"]}) == 60
    every = ",".join(taken["one"] + taken["other"])
    truth = primary.executed_since(before)
    assert primary.holds(every, truth)
    assert primary.holds(truth, every)


def test_what_others_commit_while_it_connects_is_not_its_own(primary, connect):
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            primary.run("INSERT INTO test_oms_capture.test_capture_row () VALUES ()")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        connection = connect(migrator())
        taken = set()
        for _ in range(50):
            connection.close()
            rows.count()
            sql("SET @a = 1")
            taken.add(connection.take_own_gtids())
    finally:
        done.set()
        writer.join()
    assert taken == {""}


# --- when an answer does not tell ------------------------------------------------------------


def test_a_commit_that_an_error_hides_is_asked_for(primary, connection):

    def hidden():
        with pytest.raises(OperationalError, match="already exists"):
            actions.an_insert_that_a_failing_statement_commits()

    truth = expect_at_least_its_own(primary, connection, hidden)
    assert count(primary, truth) == 1


def test_commits_before_an_error_are_known(primary, connection):
    expect_at_least_its_own(primary, connection, actions.several_statements_of_which_the_second_fails)


def test_commits_before_a_reconnection_are_known(primary, connection):
    def reconnect_between():
        rows.create()
        connection.close()
        rows.create()

    expect_exactly_its_own(primary, connection, reconnect_between)


def test_a_lost_answer_is_asked_for(primary, connection):
    def killed_between():
        rows.create()
        primary.run(f"KILL {connection.connection.thread_id()}")
        with pytest.raises(OperationalError):
            rows.create()
        connection.close()
        rows.create()

    truth = expect_at_least_its_own(primary, connection, killed_between)
    assert count(primary, truth) == 2
    expect_exactly_its_own(primary, connection, actions.an_autocommitted_insert)


def test_a_failed_question_forgets_nothing(primary, connection, monkeypatch):
    connection._own.doubt = True
    monkeypatch.setattr("routers.mysql.base.GTID_EXECUTED", "SELECT nonsense")
    with pytest.raises(OperationalError):
        connection.take_own_gtids()
    monkeypatch.undo()

    expect_at_least_its_own(primary, connection, actions.an_autocommitted_insert)


def test_more_than_is_kept_is_asked_for(primary, connection, monkeypatch):
    monkeypatch.setattr(tracking, "LIMIT", 2)
    expect_at_least_its_own(primary, connection, actions.several_atomic_blocks)


# --- the lower rungs: at least its own --------------------------------------------------------


@pytest.fixture
def historian(connect) -> DatabaseWrapper:
    connection = connect(service(capture="transactions_history"))
    assert connection.capture_rung is Rung.TRANSACTIONS_HISTORY
    assert connection.take_own_gtids() == ""
    return connection


@pytest.fixture
def asker(connect) -> DatabaseWrapper:
    connection = connect(migrator(capture="gtid_executed"))
    assert connection.capture_rung is Rung.GTID_EXECUTED
    assert connection.take_own_gtids() == ""
    return connection


@pytest.mark.parametrize("action", DATA, ids=name)
def test_the_history_has_exactly_what_it_committed(primary, historian, action):
    for _ in range(3):  # ten transactions are kept
        expect_exactly_its_own(primary, historian, action)


def test_a_history_too_short_is_not_trusted(primary, historian):
    def many():
        for _ in range(30):
            rows.create()

    assert count(primary, expect_at_least_its_own(primary, historian, many)) == 30
    expect_exactly_its_own(primary, historian, actions.an_autocommitted_insert)


def test_the_history_of_a_new_session_is_not_trusted_for_the_old(primary, historian):
    def reconnect_between():
        rows.create()
        historian.close()
        rows.create()

    assert count(primary, expect_at_least_its_own(primary, historian, reconnect_between)) == 2
    expect_exactly_its_own(primary, historian, actions.an_autocommitted_insert)


@pytest.mark.parametrize("action", DATA | SCHEMA, ids=name)
def test_everything_executed_holds_what_it_committed(primary, asker, action):
    expect_at_least_its_own(primary, asker, action)


@pytest.mark.parametrize("rung", [Rung.TRANSACTIONS_HISTORY, Rung.GTID_EXECUTED])
def test_a_lower_rung_asks_once_and_only_after_a_write(connect, rung):
    connection = connect(service(capture=rung))

    def read():
        actions.selects_only()
        connection.take_own_gtids()

    def write():
        rows.create()
        connection.take_own_gtids()
        connection.take_own_gtids()

    counting = statements(connection, lambda: None)["Questions"]
    assert statements(connection, read)["Questions"] == counting + 2
    assert statements(connection, write)["Questions"] == counting + 2


def test_an_account_without_the_performance_schema_falls_to_the_next_rung(connect):
    assert connect(migrator(capture="transactions_history")).capture_rung is Rung.GTID_EXECUTED


def test_a_server_that_cannot_track_falls_to_the_next_rung(primary, connect, monkeypatch):
    monkeypatch.setattr("routers.mysql.base.PROVE_TRACKING", "SET SESSION no_such_variable = 1")
    connection = connect(service())

    assert connection.capture_rung is Rung.TRANSACTIONS_HISTORY
    expect_exactly_its_own(primary, connection, actions.an_atomic_block)


def test_a_client_library_that_drops_gtids_falls_to_the_next_rung(connect, monkeypatch):
    monkeypatch.setattr("routers.mysql.session.Packets.gtids", lambda self: [])

    assert connect(service()).capture_rung is Rung.TRANSACTIONS_HISTORY


def test_a_server_without_gtids_has_none_to_tell(connect, monkeypatch):
    for question in ("PROVE_TRACKING", "HISTORY_IS_KEPT", "GTIDS_ARE_GIVEN"):
        monkeypatch.setattr(f"routers.mysql.base.{question}", "SELECT @@GLOBAL.no_such_variable")
    connection = connect(service())

    assert connection.capture_rung is Rung.NONE
    actions.an_autocommitted_insert()
    assert connection.take_own_gtids() == ""


@pytest.mark.parametrize(("rung", "known"), [(Rung.TRANSACTIONS_HISTORY, False), (Rung.GTID_EXECUTED, True)])
def test_behind_a_proxy_that_shares_connections_only_the_lowest_rung_is_right(connect, primary, rung, known):
    """The question comes to another connection to the server than the commit did: docs/deploy-proxies.md."""
    other = connect(service())
    connection = connect(service(capture=rung))
    before = primary.executed()
    rows.create()
    committed = primary.executed_since(before)
    connection.connection, other.connection = other.connection, connection.connection

    assert primary.holds(committed, connection.take_own_gtids()) is known


# --- it is still Django's backend ---------------------------------------------------------------


def test_the_service_and_a_replica_are_tracked_as_well(connect):
    for url in (os.environ["SERVICE_DATABASE_URL"], *os.environ["REPLICA_URLS"].split(",")):
        connection = connect(settings_of(url, "oms"))
        assert connection.capture_rung is Rung.SESSION_TRACK
        sql("SET @a = 1")
        assert connection.take_own_gtids() == ""


def test_it_is_djangos_backend(connection):
    assert isinstance(connection, stock.DatabaseWrapper)
    assert connection.vendor == "mysql"
    assert connection.introspection.table_names() == ["test_capture_row"]
    assert connection.is_usable()
