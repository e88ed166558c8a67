"""The engine: Django's MySQL backend, `take_own_gtids`, and connections that find the primary."""

from collections.abc import Callable
from typing import Any

import MySQLdb  # type: ignore[import-untyped]  # has no stubs
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.mysql import base
from django.utils.asyncio import async_unsafe

from routers import primary
from routers.mysql.conversions import with_moments
from routers.mysql.session import Packets, Session
from routers.mysql.tracking import OwnGtids, Rung

LADDER = (Rung.SESSION_TRACK, Rung.TRANSACTIONS_HISTORY, Rung.GTID_EXECUTED)

GTIDS_ARE_GIVEN = "SELECT @@GLOBAL.gtid_mode IN ('ON', 'ON_PERMISSIVE')"
GTID_EXECUTED = "SELECT @@GLOBAL.gtid_executed"

# One round trip. With ALL_GTIDS any commit tells @@GLOBAL.gtid_executed, so that a set arriving
# proves the server, what lies between, and a client library that reads it (MariaDB's before
# 3.1.10 does not, CONC-302), without writing anything.
PROVE_TRACKING = f"""{GTIDS_ARE_GIVEN}; SET SESSION session_track_gtids = ALL_GTIDS; COMMIT;
    SET SESSION session_track_gtids = OWN_GTID"""
HISTORY_IS_KEPT = """
    SELECT @@GLOBAL.gtid_mode IN ('ON', 'ON_PERMISSIVE')
       AND (SELECT COUNT(*) FROM performance_schema.setup_consumers WHERE ENABLED = 'YES' AND NAME IN
               ('global_instrumentation', 'thread_instrumentation', 'events_transactions_current',
                'events_transactions_history')) = 4
       AND (SELECT ENABLED = 'YES' FROM performance_schema.setup_instruments WHERE NAME = 'transaction')
       AND (SELECT INSTRUMENTED = 'YES' AND HISTORY = 'YES' FROM performance_schema.threads
             WHERE THREAD_ID = PS_CURRENT_THREAD_ID())
"""
HISTORY = """
    SELECT EVENT_ID, GTID, @@GLOBAL.performance_schema_events_transactions_history_size
      FROM performance_schema.events_transactions_history WHERE THREAD_ID = PS_CURRENT_THREAD_ID()
"""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of Django's to MySQL that can say which GTIDs its own commits got.

    `capture_rung` says how, as found when the connection was made; `OPTIONS["capture"]` names the
    highest rung to use. `OPTIONS["hosts"]` names the servers that may be the primary: see routers.primary.
    """

    capture_rung = Rung.NONE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own = OwnGtids()  # outlives a native connection: its commits stay ours
        self._highest = Rung.SESSION_TRACK
        self._told_event: int | None = None

    def take_own_gtids(self) -> str:
        """The GTID set of this session's commits since the last call, as text; '' when there is none.

        Runs no statement when the answers told all. On a lower rung, or after an answer that never
        came, it asks the server and may return more than this session's own. Raises
        `django.db.Error` when that fails, having forgotten nothing.
        """
        asked = self._ask() if self._own.doubt else ""
        known = self._own.known()
        self._own.forget()
        return ",".join(filter(None, (known, asked)))

    def forget_own_gtids(self) -> None:
        """Drop what an earlier user of this connection left. Runs no statement."""
        self._own.forget()

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params["conv"] = with_moments(params["conv"])
        highest = params.pop("capture", Rung.SESSION_TRACK)
        if highest not in LADDER:
            raise ImproperlyConfigured(f"OPTIONS['capture'] is {highest!r}, not one of {', '.join(LADDER)}.")
        self._highest = Rung(highest)
        self._moves = len(params.pop("hosts", ())) > 1
        if self._moves and (address := primary.known()):
            params["host"], params["port"] = address
        return params

    @async_unsafe
    def get_new_connection(self, conn_params: Any) -> Session:
        """To the server that takes writes now, where several may. Raises `MySQLdb.Error` when none does."""
        if not self._moves:
            return Session(**conn_params)
        if primary.known() is not None and (session := _writable(conn_params)):
            return session
        host, port = primary.find(conn_params.get("connect_timeout", 1))[0]
        return Session(**conn_params | {"host": host, "port": port})

    def init_connection_state(self) -> None:
        super().init_connection_state()
        # Doubts about the last connection's commits cannot be cleared by this one's history.
        self._told_event = None if self._own.doubt else 0
        self.capture_rung = self._find_rung()
        if self.capture_rung is not Rung.SESSION_TRACK:
            own = None if self.capture_rung is Rung.NONE else self._own
            self.connection.listen(own, None)

    def _find_rung(self) -> Rung:
        holds: dict[Rung, Callable[[], bool]] = {
            Rung.SESSION_TRACK: self._is_tracked,
            Rung.TRANSACTIONS_HISTORY: lambda: bool(self._rows(HISTORY_IS_KEPT)[0][0]),
            Rung.GTID_EXECUTED: lambda: bool(self._rows(GTIDS_ARE_GIVEN)[0][0]),
        }
        for rung in LADDER[LADDER.index(self._highest) :]:
            try:
                if holds[rung]():
                    return rung
            except MySQLdb.Error:  # not this server, or not this account: the next one, then
                continue
        return Rung.NONE

    def _is_tracked(self) -> bool:
        """Listens from here on when it is."""
        packets = Packets.of(self.connection)
        if packets is None:
            return False
        trial = OwnGtids()
        self.connection.listen(trial, packets)
        given = self._rows(PROVE_TRACKING)[0][0]
        self.connection.listen(self._own, packets)
        return bool(given) and trial.known() != ""

    def _ask(self) -> str:
        self.ensure_connection()
        if self.capture_rung is Rung.NONE:
            return ""
        with self.wrap_database_errors:
            told = self._history() if self.capture_rung is Rung.TRANSACTIONS_HISTORY else None
            return str(self._rows(GTID_EXECUTED)[0][0]).replace("\n", "") if told is None else told

    def _history(self) -> str | None:
        """This session's own commits; None when some may have left the history, which is short."""
        rows = self._rows(HISTORY)
        events = [event for event, _, _ in rows]
        told, self._told_event = self._told_event, max(events, default=self._told_event or 0)
        if told is None or (rows and len(rows) >= rows[0][2] and min(events) > told):
            return None
        return ",".join(gtid for event, gtid, _ in rows if event > told and ":" in gtid)

    def _rows(self, query: str) -> tuple[Any, ...]:
        """Not through Django's cursor, which refuses when a transaction is to be rolled back."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            rows: tuple[Any, ...] = cursor.fetchall()
            return rows


def _writable(conn_params: Any) -> Session | None:
    """A connection to where the primary was when it was last seen, if it is there still."""
    try:
        session = Session(**conn_params)
    except MySQLdb.Error:
        return None
    with session.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.read_only")
        [(read_only,)] = cursor.fetchall()
    if read_only:
        session.close()
    return None if read_only else session
