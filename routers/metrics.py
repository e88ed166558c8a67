"""Counters and histograms for Prometheus, where prometheus-client is installed; else nothing."""

from typing import Any

try:
    import prometheus_client as prometheus
except ImportError:
    prometheus = None

if prometheus is not None:
    EVENTS = prometheus.Counter("routers_events", "Events of the router", ["name", "reason", "alias"])
    REQUESTS = prometheus.Counter("routers_requests", "Requests by the node that answered", ["alias"])
    WAITS = prometheus.Histogram(
        "routers_wait_seconds",
        "Waiting for a replica to contain a position",
        ["alias", "reached"],
        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
    )
    LAG = prometheus.Histogram(
        "routers_replica_lag_seconds",
        "How far a replica was behind when it was probed",
        ["alias"],
        buckets=(0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300),
    )


def count_event(name: str, facts: dict[str, Any]) -> None:
    if prometheus is not None:
        EVENTS.labels(name, str(facts.get("reason", "")), str(facts.get("alias", ""))).inc()


def count_request(alias: str) -> None:
    if prometheus is not None:
        REQUESTS.labels(alias).inc()


def observe_wait(alias: str, seconds: float, *, reached: bool) -> None:
    if prometheus is not None:
        WAITS.labels(alias, str(reached).lower()).observe(seconds)


def observe_lag(alias: str, seconds: float) -> None:
    if prometheus is not None:
        LAG.labels(alias).observe(seconds)
