"""What a session has committed, as far as its own answers tell; no SQL and no driver here."""

import re
from enum import StrEnum

LIMIT = 256  # GTID sets kept for a caller that never takes them, as a management command
# What a server that is no primary (any more) says to a write, or to its COMMIT: it is read only, or its
# group does not take the transaction. https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
DEMOTED = {1290, 1836, 3100, 3101}
IN_DOUBT = {3100}  # a member that was cut off while it committed: the others may have received it
_WORD = re.compile(rb"\s*(\w+)")
# Statements that commit nothing. SET is not among them: `SET autocommit = 1` commits.
_QUIET = {b"SELECT", b"SHOW", b"EXPLAIN", b"DESCRIBE", b"SAVEPOINT", b"RELEASE", b"ROLLBACK"}
# Statements of which the server undoes all when it answers with an error.
_ATOMIC = {b"INSERT", b"UPDATE", b"DELETE", b"REPLACE", b"WITH"}


class Rung(StrEnum):
    """How a session learns its own GTIDs, best first. Lower rungs tell too much, never too little."""

    SESSION_TRACK = "session_track"  # each commit's answer carries them: exact, no statement
    TRANSACTIONS_HISTORY = "transactions_history"  # performance_schema: one statement when asked
    GTID_EXECUTED = "gtid_executed"  # all that the server has: one statement when asked
    NONE = "none"  # the server gives its transactions no GTIDs of MySQL's kind


class OwnGtids:
    """The GTIDs of one session's commits since they were last taken, and whether those are all.

    `doubt` says that a commit may be missing, so that the server must be asked.
    """

    def __init__(self) -> None:
        self.doubt = False
        self._packet: list[bytes] = []
        self._sets: list[bytes] = []

    def saw(self, packet: list[bytes]) -> None:
        """Take up the GTID sets of the last OK packet.

        The client library keeps a packet's sets until the next OK packet, and a SELECT brings
        none: the same sets are then seen again, and are no news. Two commits never share a GTID.
        """
        if packet == self._packet:
            return
        self._packet = packet
        self._sets += packet
        if len(self._sets) > LIMIT:
            self._sets.clear()
            self.doubt = True

    def skip(self, packet: list[bytes]) -> None:
        """Pass over what the last OK packet says, since it is not about commits of this session."""
        self._packet = packet

    def known(self) -> str:
        """A GTID set as text, '' when there is none."""
        return b",".join(self._sets).decode()

    def forget(self) -> None:
        self._sets.clear()
        self.doubt = False


def may_commit(query: bytes) -> bool:
    """Whether a statement, or one of several, may commit something; in doubt, yes."""
    return b";" in query or _verb(query) not in _QUIET


def error_may_hide_commit(query: bytes, error: Exception) -> bool:
    """Whether a failed statement may have committed all the same.

    An error's packet has no session state, and the server does not repeat it later: the GTID of
    an open transaction that `CREATE TABLE` commits before it fails is told nowhere.
    """
    if answer_was_lost(error):
        return may_commit(query)
    if was_rolled_back(error):
        return False
    return _verb(query) not in _QUIET | _ATOMIC


def was_rolled_back(error: Exception) -> bool:
    """Whether the server has surely undone what it refuses."""
    return bool(error.args) and error.args[0] in DEMOTED - IN_DOUBT


def answer_was_lost(error: Exception) -> bool:
    """Whether the client library, not the server, speaks: its errors are 2000 to 2999, or have no number.

    https://dev.mysql.com/doc/mysql-errors/en/client-error-reference.html
    """
    code = error.args[0] if error.args else None
    return not isinstance(code, int) or code == 0 or 2000 <= code < 3000


def _verb(query: bytes) -> bytes:
    found = _WORD.match(query)
    return found[1].upper() if found else b""
