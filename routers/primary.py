"""Where the primary is: found among the servers that it may be, not configured.

`OPTIONS["hosts"]` of the database `default` names them, `["mysql1:3306", "mysql2:3306"]`. Its connections
go to the one that takes writes now, as libpq's do with `target_session_attrs=read-write` (PostgreSQL manual,
"Database Connection Control Functions"). Without it the primary stays where the settings say.
"""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs
from MySQLdb import OperationalError

from routers import probe
from routers.probe import Address, Facts

CANNOT_CONNECT = 2003  # CR_CONN_HOST_ERROR: what a client says of a host where nobody listens

_known: Address | None = None  # one per process


def parse(host: str) -> Address:
    """Of `host`, `host:port` or `[address]:port`. Raises ValueError."""
    name, colon, port = host.strip().rpartition(":")
    if not colon or "]" in port:
        name, port = host.strip(), "3306"
    if not name:
        raise ValueError(f"'{host}' names no host")
    return name.strip("[]"), int(port)


@lru_cache(maxsize=1)
def hosts() -> tuple[Address, ...]:
    """Where the primary may be; none where it does not move."""
    named = settings.DATABASES[DEFAULT_DB_ALIAS].get("OPTIONS", {}).get("hosts", ())
    return tuple(parse(host) for host in named)


def moves() -> bool:
    """Whether another server may become the primary."""
    return len(hosts()) > 1


def known() -> Address | None:
    """Where it was when it was last seen."""
    return _known


def is_at(address: Address) -> None:
    global _known  # noqa: PLW0603
    _known = address


def look(timeout: int) -> tuple[Address, Facts]:
    """The primary where it was, or else where it is. Raises `MySQLdb.Error` when no server takes writes."""
    if _known is not None:
        try:
            facts = probe.ask(DEFAULT_DB_ALIAS, timeout, address=_known)
            if facts.takes_writes:
                return _known, facts
        except (MySQLError, OSError):
            pass  # it is looked for, then
    return find(timeout)


def locate(timeout: int) -> None:
    """For a process without a prober: from here on `known`, where there is one."""
    if moves():
        with suppress(MySQLError):
            look(timeout)


def find(timeout: int) -> tuple[Address, Facts]:
    """Ask all at once; the first that says that it takes writes, and in a group is so called by most.

    Nobody waits for those that do not answer, once that is clear. Two that take writes are for the prober
    to notice. Raises `MySQLdb.OperationalError` when there is none.
    """
    pool = ThreadPoolExecutor(len(hosts()), thread_name_prefix="routers-primary")
    try:
        asked = {
            pool.submit(probe.ask, DEFAULT_DB_ALIAS, timeout, address=address): address for address in hosts()
        }
        answers: dict[Address, Facts] = {}
        for answer in as_completed(asked):
            if (facts := _facts(answer)) is not None:
                answers[asked[answer]] = facts
            if (found := chosen(answers, of=len(asked))) is not None:
                is_at(found)
                return found, answers[found]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    raise OperationalError(CANNOT_CONNECT, f"no server takes writes: {', '.join(map(written, hosts()))}")


def chosen(answers: dict[Address, Facts], *, of: int) -> Address | None:
    """The primary, as far as the servers have answered, out of so many."""
    votes = Counter(facts.group.primary for facts in answers.values() if facts.group)
    for address, facts in answers.items():
        if facts.takes_writes and (facts.group is None or 2 * votes[facts.server_uuid] > of):
            return address
    return None


def _facts(answer: "Future[Facts]") -> Facts | None:
    try:
        return answer.result()
    except (MySQLError, OSError):
        return None


def written(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def forget(*, setting: str, **kwargs: Any) -> None:
    global _known  # noqa: PLW0603
    if setting == "DATABASES":
        hosts.cache_clear()
        _known = None


setting_changed.connect(forget)
