"""The envelope of every list: `{count, next, previous, results}`."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination as BasePagination
from rest_framework.request import Request


class LimitOffsetPagination(BasePagination):
    """30 rows a page, 200 at most. A `limit` or `offset` that is not a number is an error, not a guess."""

    default_limit = 30
    max_limit = 200

    def get_limit(self, request: Request) -> int:
        limit = self._number(request, self.limit_query_param, least=1, default=self.default_limit)
        return min(limit, self.max_limit)

    def get_offset(self, request: Request) -> int:
        return self._number(request, self.offset_query_param, least=0, default=0)

    def _number(self, request: Request, name: str, *, least: int, default: int) -> int:
        given: Any = request.query_params.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) <= 18 and int(given) >= least):
            raise ValidationError({name: [f"A whole number of at least {least} is expected."]})
        return int(given)
