"""Liveness, readiness and metrics, answered before the Host header is looked at: who asks sends their own."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from drf_oms import metrics
from routers import prober
from routers.pool import nodes
from routers.prober import IS_PRIMARY
from routers.replica import Node


class HealthMiddleware:
    """`/healthz`: the process answers. `/readyz`: some database does; each node's state beside it.
    `/metrics`: for Prometheus; to others there is nothing at this path.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info.removesuffix("/")
        answer = {"/healthz": alive, "/readyz": ready, "/metrics": metrics.exposition}.get(path)
        if answer is None or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        if path == "/metrics" and not metrics.may_scrape(request):
            return self.get_response(request)
        return answer()


def alive() -> HttpResponse:
    return JsonResponse({"status": "ok"})


def ready() -> HttpResponse:
    """200 while some node answers reads: no other instance of the service could do more.

    `status` is "ok", "degraded" (a replica takes no reads), "read only" (the primary takes no
    writes), or with 503 "unavailable".
    """
    prober.ensure_started()
    primary, replicas = nodes().primary, nodes().replicas.values()
    if primary.in_service():
        whole = all(node.in_service() or node.out_because == IS_PRIMARY for node in replicas)
        status = "ok" if whole else "degraded"
    else:
        status = "read only" if any(node.in_service() for node in replicas) else "unavailable"
    body = {"status": status, "nodes": {node.alias: state(node) for node in nodes()}}
    return JsonResponse(body, status=503 if status == "unavailable" else 200)


def state(node: Node) -> dict[str, Any]:
    """`{status, role}` of one node, as last seen here; of a replica, `lag_ms` too, null where unknown."""
    known: dict[str, Any] = {"status": node.out_because or "ok"}
    if node is nodes().primary:
        return known | {"role": "primary"}
    return known | {"role": "replica", "lag_ms": round(node.lag * 1000) if isfinite(node.lag) else None}
