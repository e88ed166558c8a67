"""Many rows of a table in few statements.

`bulk_create` prepares each value of each row by its field: most of the time of an import. Only times
and JSON need that.
"""

from collections.abc import Sequence

from django.db import connections, models, router

from orders.actors import Actor
from orders.models import Order, OrderEvent, OrderLine
from orders.placing import Draft

PREPARED = (models.DateTimeField, models.JSONField)


def insert_drafts(new: Sequence[Draft], actor: Actor) -> None:
    """Save them. Each needs an external reference, by which its id is found.

    (MySQL does not tell the ids of rows that were inserted together.)
    """
    insert_rows(Order, [each.order for each in new])
    references = [each.order.external_reference for each in new]
    ids = dict(
        Order.objects.filter(external_reference__in=references).values_list("external_reference", "pk")
    )
    for each in new:
        each.order.pk = ids[each.order.external_reference]
        for line in each.lines:
            line.order_id = each.order.pk
    insert_rows(OrderLine, [line for each in new for line in each.lines])
    insert_rows(OrderEvent, [each.event(actor) for each in new])


def insert_rows(model: type[models.Model], objects: Sequence[models.Model]) -> None:
    """Objects without a key, as rows. The driver puts some hundred of them into each INSERT."""
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    prepared = [(place, field) for place, field in enumerate(fields) if isinstance(field, PREPARED)]
    rows = [[getattr(each, field.attname) for field in fields] for each in objects]
    for row in rows:
        for place, field in prepared:
            row[place] = field.get_db_prep_save(row[place], connection)
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({values})",  # noqa: S608 - names of ours
            rows,
        )
