"""The pages of every list: by offset, with a count; or by cursor, however deep."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.pagination import LimitOffsetPagination as DRFLimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from drf_oms import page_queries
from orders.keyset import BadCursor, Cursor, Ordering

DEFAULT_LIMIT, MAX_LIMIT = 30, 200
MAX_OFFSET = 10_000  # MySQL reads and drops as many rows
FAR_DOWN = 100


class LimitOffsetPagination(DRFLimitOffsetPagination):
    """`{count, next, previous, results}`. A `limit` or `offset` that is none is an error, not a guess."""

    default_limit = DEFAULT_LIMIT

    def get_limit(self, request: Request) -> int:
        return limit_of(request)

    def get_offset(self, request: Request) -> int:
        offset = whole_number(request, self.offset_query_param, least=0, default=0)
        if offset > MAX_OFFSET:
            sentence = _("At most %(most)d; for pages further down use pagination=cursor.")
            raise ValidationError({self.offset_query_param: [sentence % {"most": MAX_OFFSET}]})
        return offset

    def get_next_link(self) -> str | None:
        """None where its offset would be refused."""
        ends: int = self.offset + self.limit  # type: ignore[operator]  # set with the page
        return super().get_next_link() if ends <= MAX_OFFSET else None

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        """The rows, and how many there are in all: counted only where the page does not tell it."""
        limit, offset = self.get_limit(request), self.get_offset(request)
        rows = self._rows(queryset, limit, offset)
        ends_here = len(rows) < limit and (rows or not offset)
        self.count = offset + len(rows) if ends_here else page_queries.count_of(queryset)
        self.request, self.limit, self.offset = request, limit, offset
        return rows

    def _rows(self, queryset: Any, limit: int, offset: int) -> list[Any]:
        """Far down, the keys first, which an index has; for whole rows MySQL would rather sort the table."""
        ordering = page_queries.ordering_of(queryset)
        if not offset:
            return page_queries.rows_of(queryset, ordering, None, limit)
        page = ordering.apply(queryset)[offset : offset + limit]
        if offset < FAR_DOWN:
            return list(page)
        keys = list(page.values_list("pk", flat=True))
        rows = {row.pk: row for row in queryset.filter(pk__in=keys).order_by()}
        return [rows[key] for key in keys if key in rows]


class CursorPagination(BasePagination):
    """`{next, previous, results}`: pages that begin where another one ended. Nothing is counted.

    Rows that are inserted meanwhile move no row to another page: none is skipped or shown twice.
    """

    next: Cursor | None = None
    previous: Cursor | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.url, limit = request.build_absolute_uri(), limit_of(request)
        ordering = page_queries.ordering_of(queryset)
        cursor = self._cursor(request, ordering)
        rows = page_queries.rows_of(queryset, ordering, cursor, limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        if cursor and cursor.backwards:
            rows.reverse()
        if rows:
            self.previous = (
                ordering.cursor_at(rows[0], backwards=True) if self._before(cursor, more) else None
            )
            self.next = ordering.cursor_at(rows[-1]) if self._after(cursor, more) else None
        return rows

    def _cursor(self, request: Request, ordering: Ordering) -> Cursor | None:
        given = request.query_params.get("cursor")
        if not given:
            return None
        try:
            return ordering.read(given)
        except BadCursor as error:
            raise ValidationError({"cursor": [str(error)]}) from error

    def _before(self, cursor: Cursor | None, more: bool) -> bool:
        """Whether there is a page before: on the way back, if there is more; else where we came from."""
        return more if cursor and cursor.backwards else cursor is not None

    def _after(self, cursor: Cursor | None, more: bool) -> bool:
        return more or bool(cursor and cursor.backwards)

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._link(self.next), "previous": self._link(self.previous)}
        return Response({**links, "results": data})

    def _link(self, cursor: Cursor | None) -> str | None:
        if cursor is None:
            return None
        url = replace_query_param(remove_query_param(self.url, "offset"), "pagination", "cursor")
        return replace_query_param(url, "cursor", str(cursor))


class Pagination(BasePagination):
    """By offset; with `?pagination=cursor`, or a cursor, by cursor."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        self._chosen = self._choose(request)
        return self._chosen.paginate_queryset(queryset, request, view)

    def _choose(self, request: Request) -> BasePagination:
        asked = request.query_params.get("pagination")
        if asked not in (None, "cursor"):
            raise ValidationError(
                {"pagination": [_("cursor is expected; leave it out for pages by offset.")]}
            )
        return CursorPagination() if asked or "cursor" in request.query_params else LimitOffsetPagination()

    def get_paginated_response(self, data: Any) -> Response:
        return self._chosen.get_paginated_response(data)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = DRFLimitOffsetPagination().get_paginated_response_schema(schema)
        described["required"] = ["next", "previous", "results"]
        properties = described["properties"]
        properties["count"]["description"] = "All rows, over all pages; not with `pagination=cursor`."
        for name in ("next", "previous"):
            properties[name] = {
                "type": ["string", "null"],
                "format": "uri",
                "description": f"The {name} page.",
            }
        return described

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        whole: dict[str, Any] = {"type": "integer", "minimum": 0}
        return [
            parameter(
                "limit",
                {**whole, "minimum": 1, "default": DEFAULT_LIMIT},
                f"Rows a page; {MAX_LIMIT} at most.",
            ),
            parameter(
                "offset",
                {**whole, "maximum": MAX_OFFSET, "default": 0},
                "Rows before the page; not by cursor.",
            ),
            parameter(
                "pagination",
                {"type": "string", "enum": ["cursor"]},
                "`cursor`: without a count; each page is as quick as the first, however deep.",
            ),
            parameter("cursor", {"type": "string"}, "Out of `next` or `previous`; for the same ordering."),
        ]


def parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """One of OpenAPI's."""
    return {"name": name, "required": False, "in": "query", "description": description, "schema": schema}


def limit_of(request: Request) -> int:
    return min(whole_number(request, "limit", least=1, default=DEFAULT_LIMIT), MAX_LIMIT)


def whole_number(request: Request, name: str, *, least: int, default: int) -> int:
    given: Any = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= 18 and int(given) >= least):
        sentence = _("A whole number of at least %(least)d is expected.")
        raise ValidationError({name: [sentence % {"least": least}]})
    return int(given)
