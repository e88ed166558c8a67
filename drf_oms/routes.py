"""The route of a request: what it asked for without what it named, so that it may be logged and counted."""

from functools import lru_cache

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest

OWN = {"/healthz", "/readyz", "/metrics"}  # answered by drf_oms.health, before routes are looked at
UNMATCHED = "unmatched"


def route_of(request: HttpRequest) -> str:
    """`/orders/{reference}/notes` for `/orders/17/notes/`; of files, "static". Known after the view has run.

    A path that no route matches is "unmatched": it is the caller's own words, personal data perhaps.
    """
    if request.resolver_match is not None:
        return pattern(request.resolver_match.route)
    path = request.path_info.removesuffix("/")
    if path in OWN:
        return path
    return "static" if request.path_info.startswith(settings.STATIC_URL) else UNMATCHED


@lru_cache(maxsize=200)
def pattern(regex: str) -> str:
    """A route's regular expression as people write it."""
    path = simplify_regex(regex.replace("/?$", "$").replace("^", "").replace(r"\.", "."))
    return path.replace("<", "{").replace(">", "}")
