"""One member's orders among very many, so asked for that MySQL finds them along the member's own indexes."""

from typing import Any, Self

from django.db.models import QuerySet
from django.db.models.sql.datastructures import BaseTable

from orders.models import Order
from orders.prepared import Recipe

EVERYBODYS_INDEXES = [index.name for index in Order._meta.indexes if "customer" not in index.fields]


class History(QuerySet[Order]):
    """One member's orders, sorted within the member although all are theirs.

    For `customer_id = 7 ORDER BY placed_at LIMIT 30` MySQL likes to go through everybody's orders by time,
    until it has met enough of theirs: the table, if theirs are old. Told this way, only an index that
    begins with the member is in order.
    """

    recipe: Recipe | None = None  # of all of them, in their own order; what narrows or sorts makes another

    @classmethod
    def among(cls, orders: QuerySet[Order]) -> Self:
        """Nobody's yet: see `of`."""
        history = cls(Order, query=orders.query.chain())
        alias = history.query.get_initial_alias()
        history.query.alias_map[alias] = TableByMember(Order._meta.db_table, alias)
        names: Any = orders.query.order_by or Order._meta.ordering
        return history.order_by(*names)

    def of(self, member_id: int) -> Self:
        """Filtered when the query is looked at, as Django does it for related managers: a page is mostly read
        by a statement that is there already (`recipe`).
        """
        history: Any = self.all()
        history._deferred_filter = False, (), {"customer_id__gte": member_id, "customer_id__lte": member_id}
        return history

    def order_by(self, *names: Any) -> Self:
        if names and str(names[0]).removeprefix("-") != "customer_id":
            names = ("-customer_id" if str(names[0]).startswith("-") else "customer_id", *names)
        return super().order_by(*names)


class TableByMember(BaseTable):
    """The table, without the indexes of everybody's orders.

    Else MySQL reads all of a status that is mostly theirs, and sorts it.
    """

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, parameters = super().as_sql(compiler, connection)
        names = ", ".join(connection.ops.quote_name(name) for name in EVERYBODYS_INDEXES)
        return f"{sql} IGNORE INDEX ({names})", parameters
