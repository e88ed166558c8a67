"""Positions in a sorted list, and cursors that carry them."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import CharField, Field, Q, QuerySet
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _

LONGEST_CURSOR = 2000  # ours are shorter
FORWARDS, BACKWARDS = "next", "previous"


class BadCursor(Exception):
    """A cursor that this list has not given out."""


@dataclass(frozen=True)
class Cursor:
    """Where a page begins, excluding what stands there, and which way it goes.

    `list` says which list in which order it belongs to. It is not signed: it holds nothing that its
    bearer has not seen, and only narrows what they may see anyway.
    """

    list: str
    position: tuple[str, ...]
    backwards: bool = False

    def __str__(self) -> str:
        content = orjson.dumps([self.list, BACKWARDS if self.backwards else FORWARDS, *self.position])
        return base64.urlsafe_b64encode(content).decode().rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Raises ValueError and TypeError."""
    padded = text[:LONGEST_CURSOR] + "=" * (-len(text) % 4)
    content = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if not (isinstance(content, list) and all(isinstance(part, str) for part in content)):
        raise ValueError("a list of texts is expected")
    name, direction, *position = content
    if direction not in (FORWARDS, BACKWARDS):
        raise ValueError("next or previous is expected")
    return Cursor(name, tuple(position), direction == BACKWARDS)


@dataclass(frozen=True)
class Key:
    """One of the columns that a list is sorted by."""

    field: "Field[Any, Any]"
    descending: bool

    @property
    def name(self) -> str:
        """As `order_by` takes it."""
        return f"-{self.field.attname}" if self.descending else self.field.attname

    def text_of(self, row: Any) -> str:
        value = self.field.value_from_object(row)
        return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)

    def value_of(self, text: str) -> Any:
        """Raises ValueError, OverflowError and ValidationError: what no row can hold is no value."""
        value = self.field.to_python(text)
        if not isinstance(self.field, CharField):  # a text that no row has is a position too
            self.field.run_validators(value)
        if not isinstance(value, datetime):
            return value
        if not is_aware(value):
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)


class Ordering:
    """What a queryset is sorted by, down to the primary key, so that no two rows tie.

    Only its own columns, and none that may be NULL.
    """

    def __init__(self, queryset: QuerySet[Any]) -> None:
        meta = queryset.model._meta
        self.keys: list[Key] = []
        names = [str(name) for name in queryset.query.order_by or meta.ordering]
        descends = bool(names) and names[-1].startswith("-")
        for name in [*names, "-pk" if descends else "pk"]:
            bare = name.removeprefix("-")
            field = meta.pk if bare == "pk" else meta.get_field(bare)
            self.keys.append(Key(field, name.startswith("-")))
            if field is meta.pk:
                break
        self.list = f"{meta.label_lower} {','.join(key.name for key in self.keys)}"

    def apply(self, queryset: QuerySet[Any], *, backwards: bool = False) -> QuerySet[Any]:
        keys = [Key(key.field, key.descending != backwards) for key in self.keys]
        return queryset.order_by(*[key.name for key in keys])

    def page(self, queryset: QuerySet[Any], cursor: Cursor | None) -> QuerySet[Any]:
        """The rows beyond the cursor, nearest first. Raises `BadCursor`."""
        position = self.values_of(cursor) if cursor else []
        return self.page_at(queryset, position, backwards=cursor is not None and cursor.backwards)

    def page_at(self, queryset: QuerySet[Any], position: list[Any], *, backwards: bool) -> QuerySet[Any]:
        """The same for a cursor's values; none: from the beginning."""
        if not position:
            return self.apply(queryset)
        return self.apply(queryset.filter(self._beyond(position, backwards)), backwards=backwards)

    def cursor_at(self, row: Any, *, backwards: bool = False) -> Cursor:
        return Cursor(self.list, tuple(key.text_of(row) for key in self.keys), backwards)

    def read(self, text: str) -> Cursor:
        """The cursor, with values that its columns can hold. Raises `BadCursor`."""
        try:
            cursor = parse_cursor(text)
        except (ValueError, TypeError) as error:
            raise BadCursor(_("This is no cursor; take those of next and previous as they are.")) from error
        if cursor.list != self.list or len(cursor.position) != len(self.keys):
            raise BadCursor(_("This cursor is of another list or ordering; begin without one."))
        self.values_of(cursor)
        return cursor

    def values_of(self, cursor: Cursor) -> list[Any]:
        """Raises `BadCursor`."""
        try:
            return [key.value_of(text) for key, text in zip(self.keys, cursor.position, strict=True)]
        except (ValidationError, ValueError, OverflowError, ArithmeticError) as error:
            raise BadCursor(_("This is no cursor; take those of next and previous as they are.")) from error

    def _beyond(self, position: list[Any], backwards: bool) -> Q:
        """a < x, or a = x and b < y: MySQL makes ranges of an index of that, but not of (a, b) < (x, y)."""
        condition, equal = Q(), dict[str, Any]()
        for key, value in zip(self.keys, position, strict=True):
            comparison = "lt" if key.descending != backwards else "gt"
            condition |= Q(**equal, **{f"{key.field.attname}__{comparison}": value})
            equal[key.field.attname] = value
        return condition
