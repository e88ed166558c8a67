"""What the router cannot do, and how MySQL says that a node is gone."""

from django.db import InterfaceError, OperationalError

from routers.mysql.tracking import DEMOTED

# Client and server codes for "this connection, or this node, is gone" (MySQL error reference):
# connection refused, unknown host, gone away, lost during query, server shutdown, too many
# connections, killed by the administrator, idle time-out.
CONNECTION_CODES = {2002, 2003, 2005, 2006, 2013, 2055, 1053, 1040, 1927, 3169, 4031}


class NoNodeAvailable(Exception):
    """No database can answer this request in time; try again later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_connection_error(error: BaseException) -> bool:
    """Whether the node is to blame, and the statement might do elsewhere."""
    if isinstance(error, InterfaceError):
        return True
    return isinstance(error, OperationalError) and bool(error.args) and error.args[0] in CONNECTION_CODES


def is_demotion(error: BaseException) -> bool:
    """Whether the server refuses to write, being no primary (any more)."""
    return isinstance(error, OperationalError) and bool(error.args) and error.args[0] in DEMOTED
