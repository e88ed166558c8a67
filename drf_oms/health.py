"""Liveness and readiness, answered before the Host header is looked at: load balancers send their own."""

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

ROLES = {0: "primary", 1: "replica"}


class HealthMiddleware:
    """`/healthz`: the process answers. `/readyz`: the primary takes writes; each node's state beside it."""

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
    """200 while writes are possible ("degraded" when a replica is not as it should be), else 503."""
    nodes = {alias: node_state(alias) for alias in connections}
    if nodes[DEFAULT_DB_ALIAS]["status"] != "ok":
        return JsonResponse({"status": "unavailable", "nodes": nodes}, status=503)
    healthy = all(node["status"] == "ok" for node in nodes.values())
    return JsonResponse({"status": "ok" if healthy else "degraded", "nodes": nodes})


def node_state(alias: str) -> dict[str, Any]:
    """`{status, role}` of one node; `status` says what is wrong with it."""
    expected = "primary" if alias == DEFAULT_DB_ALIAS else "replica"
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.super_read_only")
            role = ROLES[cursor.fetchone()[0]]
    except DatabaseError:
        return {"status": "unreachable", "role": expected}
    return {"status": "ok" if role == expected else f"is a {role}", "role": role}
