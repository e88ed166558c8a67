"""Every route of the API, read from the URL configuration."""

from collections.abc import Iterator

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver

DESCRIPTIONS = {"/schema/", "/docs/"}  # of the API
ICON = "/favicon.ico"
STAFF = ("/admin", "/ops")  # pages for browsers: tests/test_page_access.py


def routes() -> dict[str, set[str]]:
    """Methods by path; a path's parameters stand in braces, and it ends with a slash."""
    found: dict[str, set[str]] = {}
    for path, pattern in _leaves(get_resolver().url_patterns):
        if path not in DESCRIPTIONS | {ICON} and not path.startswith(STAFF):
            found.setdefault(path, set()).update(_methods(pattern))
    return found


def pages() -> set[str]:
    """The paths of the pages for staff, as `routes` writes them."""
    return {path for path, _ in _leaves(get_resolver().url_patterns) if path.startswith(STAFF)}


def _leaves(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        here = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from _leaves(pattern.url_patterns, here)
        else:
            yield _readable(here), pattern


def _readable(regex: str) -> str:
    path = simplify_regex(regex.replace(r"\.", "."))
    return path.replace("<", "{").replace(">", "}").replace("/?", "/")


def _methods(pattern: URLPattern) -> set[str]:
    if actions := getattr(pattern.callback, "actions", None):
        return {method.upper() for method in actions} - {"HEAD"}
    verbs = ("get", "post", "put", "patch", "delete")
    return {verb.upper() for verb in verbs if hasattr(pattern.callback.cls, verb)}
