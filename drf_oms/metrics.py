"""What `/metrics` answers, and to whom; requests counted by route.

The router's own metrics are in `routers.metrics`. In gunicorn (`PROMETHEUS_MULTIPROC_DIR`, see
`drf_oms.gunicorn`) one scrape shows all worker processes together; elsewhere this process.
"""

from ipaddress import ip_address, ip_network

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

REQUESTS = prometheus_client.Counter(
    "http_requests", "Requests by method, route and status", ["method", "route", "status"]
)
SECONDS = prometheus_client.Histogram(
    "http_request_duration_seconds",
    "Until the answer began; a streamed one goes on after that",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def count(method: str | None, route: str, status: int, seconds: float) -> None:
    """A method of the caller's own invention is "OTHER", or each would be a series for good."""
    known = method if method in METHODS else "OTHER"
    REQUESTS.labels(known, route, status).inc()
    SECONDS.labels(known, route).observe(seconds)


def exposition() -> HttpResponse:
    """All metrics in Prometheus' text format."""
    registry = prometheus_client.REGISTRY
    if settings.METRICS_DIR:
        registry = prometheus_client.CollectorRegistry()
        MultiProcessCollector(registry, settings.METRICS_DIR)  # type: ignore[no-untyped-call]
    body = prometheus_client.generate_latest(registry)
    return HttpResponse(body, content_type=prometheus_client.CONTENT_TYPE_LATEST)


def may_scrape(request: HttpRequest) -> bool:
    """Whether the request came straight from an address in `METRICS_ALLOWED_ADDRESSES`.

    Never when a proxy has sent it on, whatever address is in its headers: each instance is scraped by
    itself, not through what spreads requests over them. So a forged header can only take away.
    """
    if any(header in request.META for header in FORWARDED):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a unix socket has none
        return False
    return any(address in ip_network(allowed) for allowed in settings.METRICS_ALLOWED_ADDRESSES)
