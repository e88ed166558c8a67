"""Taking a person out of the books, and leaving the books."""

from typing import Any

from django.db import connections, router

from orders.models import IdempotencyKey, OrderEvent, Refund
from orders.transactions import retried
from routers import consistency

# What people write about people. Amounts, lines and statuses stay: `orders.replay` needs them.
PERSONAL = ("$.text", "$.reason", "$.note", "$.carrier", "$.tracking_number")

FORGET = f"""
    UPDATE orders_orderevent AS event
      JOIN orders_order ON orders_order.id = event.order_id
       SET event.data = JSON_REMOVE(event.data, {", ".join(f"'{path}'" for path in PERSONAL)})
     WHERE orders_order.customer_id = %s
"""  # noqa: S608 - made of the constants above


@retried
def forget_customer(*, customer: Any) -> None:
    """Remove what events, refunds and kept answers say about the customer; orders and sums stay."""
    consistency.touches(customer.pk)
    with connections[router.db_for_write(OrderEvent)].cursor() as cursor:
        cursor.execute(FORGET, [customer.pk])
    Refund.objects.filter(order__customer=customer).update(reason="")
    IdempotencyKey.objects.filter(caller=customer).delete()
    IdempotencyKey.objects.filter(order__customer=customer).delete()
