"""Conditional requests (RFC 9110, section 13)."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.cache import get_conditional_response
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


def etag_of_page(shown: Any) -> str:
    """Of a page that shows its rows' entity tags. Weak: equal pages may differ in how they are written."""
    return f'W/"{blake2b(orjson.dumps(shown), digest_size=12).hexdigest()}"'


def unchanged(request: Any, etag: str) -> HttpResponse | None:
    """304, or 412, where the request's preconditions lead to one. Asked before more is read or rendered."""
    unneeded = HttpResponse(headers={"ETag": etag})
    answer = get_conditional_response(request._request, etag=etag, response=unneeded)
    return None if answer is unneeded else answer
