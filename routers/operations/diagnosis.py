"""What is wrong with a node, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from routers.conf import conf
from routers.gtid import GTIDSet
from routers.operations.inspection import Inspection

ACCESS_DENIED = {1045, 1044, 3118, 3955}  # wrong password, no right, locked, temporarily locked

Severity = Literal["degraded", "broken"]


@dataclass(frozen=True)
class Fault:
    """`name` is one of few, for monitors; `next_step` is what to look at or type."""

    name: str
    fact: str
    next_step: str
    severity: Severity = "degraded"


def missing(replica: Inspection, primary: Inspection) -> GTIDSet:
    return primary.executed - replica.executed


def errant(replica: Inspection, primary: Inspection) -> GTIDSet:
    """What the replica has and the primary has not.

    Ask the replica first. The primary's own may be on a replica first, under semisync with AFTER_SYNC.
    """
    excess = replica.executed - primary.executed
    if primary.counter("Rpl_semi_sync_source_status", "Rpl_semi_sync_master_status") == "ON":
        excess -= excess.of_server(primary.facts["server_uuid"])
    return excess


def of_primary(primary: Inspection) -> Iterator[Fault]:
    if primary.unreachable:
        yield _unreachable(primary, "broken")
        return
    if primary.facts["read_only"]:
        yield Fault(
            "read only",
            "the primary takes no writes: read_only is ON",
            "If it is the primary, run there: SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF;"
            " after a failover, point 'default' at the new primary.",
            "broken",
        )
    if primary.receiver and primary.receiver["state"] != "OFF":
        yield Fault(
            "primary replicates",
            f"the primary itself replicates from {_source_of(primary)}",
            "Compare the settings with where the primary is; if it is this one, run there: STOP REPLICA;"
            " RESET REPLICA ALL;",
        )


def of_replica(replica: Inspection, primary: Inspection, nodes: dict[str, str]) -> Iterator[Fault]:
    """`nodes`: server UUID → alias, to name a wrong source."""
    if replica.unreachable:
        yield _unreachable(replica, "degraded")
        return
    yield from _of_writable(replica)
    if replica.receiver is not None and replica.applier is not None:
        yield from _of_source(replica, primary, nodes)
        yield from _of_receiver(replica)
        yield from _of_applier(replica)
    if not primary.unreachable:
        yield from _of_errant(replica, primary)
        yield from _of_lag(replica, missing(replica, primary))


def _unreachable(node: Inspection, severity: Severity) -> Fault:
    return Fault(
        "unreachable",
        f"does not answer: {node.unreachable}",
        f"See whether the server of '{node.alias}' runs, and what its error log says; then its host, port,"
        " account and password in the settings.",
        severity,
    )


def _of_writable(replica: Inspection) -> Iterator[Fault]:
    if not replica.facts["super_read_only"]:
        yield Fault(
            "writable",
            "takes writes: super_read_only is OFF",
            f"Run on '{replica.alias}': SET PERSIST super_read_only = ON; then look for what was written"
            " there meanwhile: manage.py replication verify",
        )


def _of_source(replica: Inspection, primary: Inspection, nodes: dict[str, str]) -> Iterator[Fault]:
    if not replica.receiver:
        yield Fault(
            "no source",
            "replicates from nobody",
            f"Run on '{replica.alias}': CHANGE REPLICATION SOURCE TO SOURCE_HOST = …,"
            " SOURCE_AUTO_POSITION = 1; START REPLICA;",
        )
    elif primary.facts and replica.receiver["source_uuid"] not in ("", primary.facts["server_uuid"]):
        source = nodes.get(replica.receiver["source_uuid"], "a server that the settings do not name")
        yield Fault(
            "wrong source",
            f"replicates from {source} ({_source_of(replica)}), not from the primary",
            f"Run on '{replica.alias}': STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_HOST = …,"
            " SOURCE_PORT = …, SOURCE_AUTO_POSITION = 1; with those of the primary, and START REPLICA;",
        )


def _of_receiver(replica: Inspection) -> Iterator[Fault]:
    receiver = replica.receiver or {}
    if receiver.get("error_number") in ACCESS_DENIED and receiver["state"] != "ON":
        yield Fault(
            "receiver refused",
            f"the source refuses the account '{receiver['user']}': {receiver['error']}",
            f"Run on '{replica.alias}': STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO"
            " SOURCE_PASSWORD = '…'; START REPLICA IO_THREAD;"
            " or give the account that password anew, on the primary.",
        )
    elif receiver.get("state") == "OFF":
        yield Fault(
            "receiver stopped",
            "receives nothing: the receiver is stopped" + _because(receiver),
            f"Run on '{replica.alias}': START REPLICA IO_THREAD; and if it stops again, mend what it names.",
        )
    elif receiver.get("state") == "CONNECTING":
        yield Fault(
            "receiver not connected",
            f"does not reach its source, {_source_of(replica)}" + _because(receiver),
            f"See whether the primary is reachable from '{replica.alias}' at that host and port.",
        )


def _of_applier(replica: Inspection) -> Iterator[Fault]:
    applier = replica.applier or {}
    if applier.get("state") == "OFF":
        yield Fault(
            "applier stopped",
            "applies nothing: the applier is stopped" + _because(applier),
            f"Run on '{replica.alias}': START REPLICA SQL_THREAD; if it stops again at the error, the copy"
            " differs from the primary: seed it anew.",
        )


def _of_errant(replica: Inspection, primary: Inspection) -> Iterator[Fault]:
    if excess := errant(replica, primary):
        yield Fault(
            "errant transactions",
            f"has {excess.count()} that the primary never had: {excess}",
            "See what they did (mysqlbinlog --include-gtids, on that node). Harmless: commit an empty"
            " transaction under each on the primary (SET gtid_next = '…'; BEGIN; COMMIT; SET gtid_next ="
            " AUTOMATIC). Else seed the replica anew.",
        )


def _of_lag(replica: Inspection, lacking: GTIDSet) -> Iterator[Fault]:
    lag, limit = lag_of(replica, lacking)[0], conf().MAX_LAG_SECONDS
    if lag is None or lag <= limit:
        return
    delay = (replica.applier or {}).get("delay") or 0
    if delay:
        step = (
            f"Run on '{replica.alias}': STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO"
            " SOURCE_DELAY = 0; START REPLICA SQL_THREAD; or leave it out of REPLICAS."
        )
    else:
        step = (
            f"See on '{replica.alias}' what the applier waits for: SHOW PROCESSLIST; a lock, a table without"
            " a primary key, or a disk that is slower than the primary's."
        )
    held = f", held back by SOURCE_DELAY = {delay}" if delay else ""
    yield Fault(
        "lagging", f"is {lag:.1f} s behind, and lacks {lacking.count()}; {limit:g} s are allowed{held}", step
    )


def lag_of(replica: Inspection, lacking: GTIDSet) -> tuple[float | None, float | None]:
    """Seconds behind, at least and at most; None where it cannot be told.

    By commit times that replication carries along: Seconds_Behind_Source is 0 or NULL while a thread
    stands still.
    """
    if replica.receiver is None or replica.applier is None:
        return None, None
    if not lacking:
        return 0.0, 0.0
    ages, remaining = replica.ages, replica.applier.get("remaining_delay")
    if ages.get("applying_for") is not None:
        return float(ages["applying_for"]), float(ages["applying_for"])
    if remaining is not None:  # it holds back the oldest that it lacks
        held = max(float(replica.applier["delay"] - remaining), 0.0)
        return held, held
    at_most = ages.get("applied_ago")
    return _since_queued(ages, lacking), None if at_most is None else float(at_most)


def _since_queued(ages: dict[str, Any], lacking: GTIDSet) -> float:
    """What was received last is lacking, so the oldest that is was committed no later."""
    queued = ages.get("queued") or ""
    if ":" not in queued or not lacking.contains(GTIDSet.parse(queued)):  # or ANONYMOUS
        return 0.0
    return float(ages["queued_ago"])


def _source_of(node: Inspection) -> str:
    return f"{node.receiver['host']}:{node.receiver['port']}" if node.receiver else "nobody"


def _because(thread: dict[str, object]) -> str:
    return f" ({thread['error_number']}: {thread['error']})" if thread.get("error_number") else ""
