"""Liveness and readiness, answered before the Host header is looked at: load balancers send their own."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from routers import prober
from routers.pool import nodes
from routers.replica import Node


class HealthMiddleware:
    """`/healthz`: the process answers. `/readyz`: some database does; each node's state beside it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = {"/healthz": alive, "/readyz": ready}.get(request.path_info.removesuffix("/"))
        if answer is None or request.method not in ("GET", "HEAD"):
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
        status = "ok" if all(node.in_service() for node in replicas) else "degraded"
    else:
        status = "read only" if any(node.in_service() for node in replicas) else "unavailable"
    body = {"status": status, "nodes": {node.alias: state(node) for node in nodes()}}
    return JsonResponse(body, status=503 if status == "unavailable" else 200)


def state(node: Node) -> dict[str, Any]:
    """`{status, role}` of one node, as this process has last seen it; of a replica, `lag_ms` too."""
    known: dict[str, Any] = {"status": node.out_because or "ok"}
    if node is nodes().primary:
        return known | {"role": "primary"}
    return known | {"role": "replica", "lag_ms": round(node.lag * 1000)}
