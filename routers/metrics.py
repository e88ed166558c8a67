"""Counters, histograms and gauges for Prometheus, where prometheus-client is installed; else nothing.

Gauges are per node, as the probers of all worker processes have last seen it: where these differ, the
worst counts, and processes that have ended do not.
"""

import os
import time
from typing import TYPE_CHECKING, Any

try:
    import prometheus_client as prometheus
except ImportError:
    prometheus = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from routers.replica import Node

if prometheus is not None:
    EVENTS = prometheus.Counter("routers_events", "Events of the router", ["name", "reason", "alias"])
    REQUESTS = prometheus.Counter(
        "routers_requests", "Requests (read or write) by the node that answered", ["alias", "kind"]
    )
    WAITS = prometheus.Histogram(
        "routers_wait_seconds",
        "Waiting for a replica to contain a position",
        ["alias", "reached"],
        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
    )

    LOST = prometheus.Counter(
        "routers_lost_transactions", "Acknowledged transactions that a new primary does not contain"
    )

    def lowest(name: str, text: str) -> Any:
        return prometheus.Gauge(name, text, ["alias", "role"], multiprocess_mode="livemin")

    def highest(name: str, text: str) -> Any:
        return prometheus.Gauge(name, text, ["alias", "role"], multiprocess_mode="livemax")

    IN_SERVICE = lowest("routers_node_in_service", "Whether the node takes reads; of the primary, writes")
    ANSWERS = lowest("routers_node_answers", "Whether the node answered the latest probe")
    PROBED_AT = lowest("routers_node_probed_timestamp_seconds", "When the node was last looked at")
    LAG = highest("routers_replica_lag_seconds", "How far the replica was behind at the latest probe")
    RECEIVING = lowest("routers_replica_receiving", "Whether the replica's receiver thread runs")
    APPLYING = lowest("routers_replica_applying", "Whether the replica's applier threads run")
    SEMISYNC = lowest("routers_semisync_active", "Whether commits wait for a replica, where they are to")
    ERRANT = highest("routers_replica_errant", "Whether the replica has what the primary never had")


def count_event(name: str, facts: dict[str, Any]) -> None:
    if prometheus is not None:
        EVENTS.labels(name, _reason(facts), str(facts.get("alias", ""))).inc()


def _reason(facts: dict[str, Any]) -> str:
    """Of few kinds: what stands in parentheses or behind a colon (a code, an error) is for the log."""
    return str(facts.get("reason", "")).partition(" (")[0].partition(":")[0]


def count_request(alias: str, *, reads: bool) -> None:
    if prometheus is not None:
        REQUESTS.labels(alias, "read" if reads else "write").inc()


def count_lost(transactions: int) -> None:
    if prometheus is not None:
        LOST.inc(transactions)


def observe_wait(alias: str, seconds: float, *, reached: bool) -> None:
    if prometheus is not None:
        WAITS.labels(alias, str(reached).lower()).observe(seconds)


def describe_node(node: "Node", *, role: str, is_primary: bool = False) -> None:
    """Set the gauges to what the prober has just seen. Of a node that does not answer, the rest stays.

    A replica by the settings that `is_primary` now has no threads that could stand still.
    """
    if prometheus is None:
        return
    PROBED_AT.labels(node.alias, role).set(time.time())
    IN_SERVICE.labels(node.alias, role).set(node.in_service())
    ANSWERS.labels(node.alias, role).set(node.facts is not None)
    if node.facts is not None and node.facts.semisync is not None:
        SEMISYNC.labels(node.alias, role).set(node.facts.semisync)
    if node.facts is not None and role == "replica":
        LAG.labels(node.alias, role).set(node.lag)
        RECEIVING.labels(node.alias, role).set(is_primary or bool(node.facts.receiving))
        APPLYING.labels(node.alias, role).set(is_primary or bool(node.facts.applying))
        ERRANT.labels(node.alias, role).set(node.suspect)


def totals(*names: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and value of each sample of these names, over all worker processes of this host."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {name: [] for name in names}
    if prometheus is not None:
        for family in _registry().collect():
            for sample in family.samples:
                if sample.name in found:
                    found[sample.name].append((sample.labels, sample.value))
    return found


def _registry() -> Any:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return prometheus.REGISTRY
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - only with that variable

    registry = prometheus.CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
