"""Every route of the API, read from the URL configuration."""

from collections.abc import Iterator

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver

PAGES = {"/schema/", "/docs/"}  # they describe the API


def routes() -> dict[str, set[str]]:
    """Methods by path; a path's parameters stand in braces, and it ends with a slash."""
    found: dict[str, set[str]] = {}
    for pattern in _leaves(get_resolver().url_patterns):
        path = simplify_regex(str(pattern.pattern).replace(r"\.", "."))
        path = path.replace("<", "{").replace(">", "}").replace("/?", "/")
        if path not in PAGES:
            found.setdefault(path, set()).update(_methods(pattern))
    return found


def _leaves(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _leaves(pattern.url_patterns)
        else:
            yield pattern


def _methods(pattern: URLPattern) -> set[str]:
    if actions := getattr(pattern.callback, "actions", None):
        return {method.upper() for method in actions} - {"HEAD"}
    verbs = ("get", "post", "put", "patch", "delete")
    return {verb.upper() for verb in verbs if hasattr(pattern.callback.cls, verb)}
