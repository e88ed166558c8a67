"""The statements of pages, made once for each kind of page where the list says how it was made."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.models import DateTimeField, QuerySet

from orders.keyset import Cursor, Ordering
from orders.prepared import Prepared, Recipe

KINDS = 64  # limits, mostly; each keeps a statement for each thread and node


def rows_of(queryset: QuerySet[Any], ordering: Ordering, cursor: Cursor | None, limit: int) -> list[Any]:
    """So many rows beyond the cursor, nearest first. Raises `BadCursor`."""
    recipe = recipe_of(queryset)
    if recipe is None:
        return list(ordering.page(queryset, cursor)[:limit])
    position = ordering.values_of(cursor) if cursor else []
    backwards = cursor is not None and cursor.backwards
    query = _page(recipe.build, len(recipe.values), limit, beyond=bool(position), backwards=backwards)
    return query.rows(queryset.model, *recipe.values, *position)


def count_of(queryset: QuerySet[Any]) -> int:
    recipe = recipe_of(queryset)
    if recipe is None:
        return queryset.count()
    return _all(recipe.build, len(recipe.values)).count(queryset.model, *recipe.values)


def ordering_of(queryset: QuerySet[Any]) -> Ordering:
    recipe = recipe_of(queryset)
    return Ordering(queryset) if recipe is None else _ordering(recipe.build, len(recipe.values))


def recipe_of(queryset: QuerySet[Any]) -> Recipe | None:
    """None as soon as the list was narrowed or sorted."""
    return getattr(queryset, "recipe", None)


@lru_cache(maxsize=KINDS)
def _page(build: Any, count: int, limit: int, *, beyond: bool, backwards: bool) -> Prepared:
    ordering, samples = _ordering(build, count), _samples(count)
    if beyond:
        samples += [_sample(key.field, number) for number, key in enumerate(ordering.keys, count)]

    def page(*values: Any) -> QuerySet[Any]:
        queryset = build(*values[:count])
        position = list(values[count:])
        return ordering.page_at(queryset, position, backwards=backwards)[:limit]

    return Prepared(page, *samples)


@lru_cache
def _all(build: Any, count: int) -> Prepared:
    return Prepared(lambda *values: build(*values).order_by(), *_samples(count))


@lru_cache
def _ordering(build: Any, count: int) -> Ordering:
    return Ordering(build(*_samples(count)))


def _samples(count: int) -> list[Any]:
    return [_sample(None, number) for number in range(count)]


def _sample(field: Any, number: int) -> Any:
    """Like no other of them."""
    return datetime(2000 + number, 1, 1, tzinfo=UTC) if isinstance(field, DateTimeField) else -1 - number
