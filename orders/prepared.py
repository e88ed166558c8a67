"""Queries whose SQL is made once: for a small one, making it takes longer than MySQL takes to answer it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators


class Recipe(NamedTuple):
    """How a queryset was made: `build(*values)`. It carries this until it is narrowed or sorted."""

    build: Callable[..., QuerySet[Any]]
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """The query for one connection: its SQL, and for each place in it which of the values goes there."""

    compiler: Any
    sql: str
    places: Sequence[int]
    names: Sequence[str]
    columns: slice
    related: Sequence[Any]
    converters: dict[int, Any]

    def rows(self, values: Sequence[Any]) -> list[Any]:
        """As `QuerySet` makes them (django.db.models.query.ModelIterable)."""
        alias, model = self.compiler.using, self.compiler.klass_info["model"]
        rows = list(self.compiler.apply_converters(self._execute(self.sql, values), self.converters))
        instances = [model.from_db(alias, self.names, row[self.columns]) for row in rows]
        if self.related or self.compiler.annotation_col_map:
            self._complete(instances, rows)
        return instances

    def count(self, values: Sequence[Any]) -> int:
        ((count,),) = self._execute(f"SELECT COUNT(*) FROM ({self.sql}) AS counted", values)  # noqa: S608
        return int(count)

    def _execute(self, sql: str, values: Sequence[Any]) -> Sequence[Any]:
        connection = self.compiler.connection
        adapted = [_adapted(connection, value) for value in values]
        with connection.cursor() as cursor:
            cursor.execute(sql, [adapted[place] for place in self.places])
            rows: Sequence[Any] = cursor.fetchall()
            return rows

    def _complete(self, instances: Sequence[Any], rows: Sequence[Sequence[Any]]) -> None:
        for instance, row in zip(instances, rows, strict=True):
            for related in self.related:
                related.populate(row, instance)
            for name, column in self.compiler.annotation_col_map.items():
                setattr(instance, name, row[column])


class Prepared:
    """`build(*values)` for values that differ, at the cost of its statement.

    Made from the queryset itself, with `samples` in their place: any values, of which no two are alike.
    What `build` makes of a value must not depend on it, but for the value.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], *samples: Any) -> None:
        if len(set(samples)) < len(samples):
            raise ValueError("two samples are alike: which value goes where could not be told")
        self._build, self._samples = build, samples
        self._mine = threading.local()  # by alias: connections belong to one thread

    def rows(self, model: type[Model], *values: Any) -> list[Any]:
        """From the node that `DATABASE_ROUTERS` name now."""
        return self._compiled(router.db_for_read(model)).rows(values)

    def count(self, model: type[Model], *values: Any) -> int:
        """How many rows there are."""
        return self._compiled(router.db_for_read(model)).count(values)

    def _compiled(self, alias: str) -> Compiled:
        compiled = self._mine.__dict__.get(alias)
        if compiled is None or compiled.compiler.connection is not connections[alias]:
            compiled = self._mine.__dict__[alias] = self._compile(alias)
        return compiled

    def _compile(self, alias: str) -> Compiled:
        compiler = self._build(*self._samples).query.get_compiler(alias)
        sql, params = compiler.as_sql()
        samples = [_adapted(compiler.connection, sample) for sample in self._samples]
        columns = compiler.klass_info["select_fields"]
        part = slice(columns[0], columns[-1] + 1)
        return Compiled(
            compiler,
            sql,
            places=[samples.index(param) for param in params],
            names=[column.target.attname for column, _, _ in compiler.select[part]],
            columns=part,
            related=get_related_populators(  # type: ignore[call-arg]  # the stubs are of a newer Django
                compiler.klass_info, compiler.select, alias
            ),
            converters=compiler.get_converters([column for column, _, _ in compiler.select]),
        )


def _adapted(connection: Any, value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
