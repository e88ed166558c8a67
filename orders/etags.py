"""Conditional requests (RFC 9110, section 13)."""

from dataclasses import dataclass
from typing import Any

from django.utils.http import parse_etags


@dataclass(frozen=True)
class IfMatch:
    """The entity tags that a writer has read, of which one must be the current one."""

    etags: tuple[str, ...]

    def matches(self, etag: str) -> bool:
        return "*" in self.etags or etag in self.etags  # strong comparison: a W/ tag never matches


def if_match_of(request: Any) -> IfMatch | None:
    """What the request's `If-Match` asks; None where there is none."""
    header = request.headers.get("If-Match")
    return None if header is None else IfMatch(tuple(parse_etags(header)))
