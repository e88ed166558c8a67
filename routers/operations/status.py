"""How replication is: each node, what is wrong with it, and what to do next."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from routers import lost
from routers.conf import conf
from routers.gtid import GTIDSet
from routers.operations import diagnosis, view
from routers.operations.diagnosis import Fault
from routers.operations.inspection import Inspection, inspect
from routers.prober import IS_PRIMARY
from routers.replica import Node
from routers.store import StoreLost

HEALTHY, DEGRADED, BROKEN = 0, 1, 2


@dataclass(frozen=True)
class NodeStatus:
    """A node, what is wrong with it, and the service's own view of it."""

    node: Inspection
    primary: Inspection
    faults: list[Fault]
    out_because: str | None

    @property
    def role(self) -> str:
        return "primary" if self.node.is_primary else "replica"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: the same names in each version of this command."""
        node, facts = self.node, self.node.facts
        known: dict[str, Any] = {
            "role": self.role,
            "out_because": self.out_because,
            "unreachable": node.unreachable,
        }
        known |= {"faults": [asdict(fault) for fault in self.faults], "hidden": node.hidden}
        if node.unreachable:
            return known
        names = ("version", "server_id", "server_uuid", "gtid_mode")
        known |= {name: facts[name] for name in names}
        known |= {name: bool(facts[name]) for name in ("read_only", "super_read_only")}
        known |= {
            "executed": str(node.executed),
            "semisync": self.semisync(),
            "connections": self.connections(),
        }
        return known | (self._of_replica() if self.role == "replica" else {})

    def _of_replica(self) -> dict[str, Any]:
        at_least, at_most = diagnosis.lag_of(self.node, self.missing())
        return {
            "receiver": self.node.receiver,
            "applier": self.node.applier,
            "missing": {"count": self.missing().count(), "gtids": str(self.missing())},
            "errant": {"count": self.errant().count(), "gtids": str(self.errant())},
            "lag_ms": _milliseconds(at_least),
            "lag_at_most_ms": _milliseconds(at_most),
        }

    def missing(self) -> GTIDSet:
        return diagnosis.missing(self.node, self.primary)

    def errant(self) -> GTIDSet:
        return diagnosis.errant(self.node, self.primary) if self.primary.facts else GTIDSet()

    def semisync(self) -> dict[str, Any] | None:
        """`{active, clients?}`; None where its plugin is not loaded."""
        kind = ("source", "master") if self.node.is_primary else ("replica", "slave")
        active = self.node.counter(*(f"Rpl_semi_sync_{name}_status" for name in kind))
        if active is None:
            return None
        clients = self.node.counter("Rpl_semi_sync_source_clients", "Rpl_semi_sync_master_clients")
        return {"active": active == "ON"} | (
            {"clients": int(clients)} if clients and self.role == "primary" else {}
        )

    def connections(self) -> dict[str, int]:
        return {
            "open": int(self.node.counters.get("Threads_connected", 0)),
            "most": self.node.facts["max_connections"],
        }


def gather() -> list[NodeStatus]:
    """Ask all nodes: the replicas first, so that what they have then, the primary has too."""
    timeout, aliases = conf().PROBE_TIMEOUT_SECONDS, list(conf().weights)
    with ThreadPoolExecutor(len(aliases) or 1) as pool:
        replicas = list(pool.map(lambda alias: inspect(alias, timeout), aliases))
    primary = inspect(DEFAULT_DB_ALIAS, timeout)
    seen = {node.alias: node for node in view.look()}
    names = {node.facts["server_uuid"]: node.alias for node in (primary, *replicas) if node.facts}
    found = [_status(primary, primary, list(diagnosis.of_primary(primary)), seen)]
    for replica in replicas:
        is_primary = seen[replica.alias].out_because == IS_PRIMARY
        faults = [] if is_primary else list(diagnosis.of_replica(replica, primary, names))
        found.append(_status(replica, primary, faults, seen))
    return found


def _status(node: Inspection, primary: Inspection, faults: list[Fault], seen: dict[str, Node]) -> NodeStatus:
    return NodeStatus(node, primary, faults, seen[node.alias].out_because)


def exit_code(statuses: list[NodeStatus]) -> int:
    """Broken: the primary takes no writes. Degraded: anything else is wrong, or takes no reads."""
    if any(fault.severity == "broken" for status in statuses for fault in status.faults):
        return BROKEN
    degraded = any(status.faults or status.out_because not in (None, IS_PRIMARY) for status in statuses)
    return DEGRADED if degraded else HEALTHY


def as_dict(statuses: list[NodeStatus]) -> dict[str, Any]:
    word = {HEALTHY: "healthy", DEGRADED: "degraded", BROKEN: "broken"}[exit_code(statuses)]
    nodes = {status.node.alias: status.as_dict() for status in statuses}
    return {"status": word, "nodes": nodes, "lost": lost_writes()}


def lost_writes() -> dict[str, Any] | None:
    """Acknowledged writes that did not survive a change of the primary; None where none is known."""
    try:
        found = lost.known()
    except StoreLost:
        return None
    return {"count": found[0].count(), "gtids": str(found[0])} if found else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
