"""Writes of orders, each one transaction."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.errors import OrderNumberTaken
from orders.models import ORDER_NUMBER_ALPHABET, ORDER_NUMBER_LENGTH, Order
from routers import consistency

DUPLICATE_KEY = 1062  # MySQL's ER_DUP_ENTRY
NUMBERS_TO_TRY = 3  # 36**12 numbers: even one collision is a surprise


def place_order(*, customer: Any, product_name: str, order_number: str | None = None) -> Order:
    """A paid order of the customer.

    Raises `OrderNumberTaken`, which is only possible with a number that was given.
    """
    consistency.touches(customer.pk)
    for number in [order_number] if order_number else generated_numbers():
        now = timezone.now()
        try:
            with transaction.atomic():
                return Order.objects.create(
                    customer=customer,
                    order_number=number,
                    product_name=product_name,
                    placed_at=now,
                    paymented_at=now,
                )
        except IntegrityError as error:
            if error.args[0] != DUPLICATE_KEY:
                raise
    raise OrderNumberTaken


def generated_numbers() -> list[str]:
    return [
        "".join(secrets.choice(ORDER_NUMBER_ALPHABET) for _ in range(ORDER_NUMBER_LENGTH))
        for _ in range(NUMBERS_TO_TRY)
    ]


def change_order(*, order: Order, **changes: Any) -> Order:
    """The order with these fields changed."""
    consistency.touches(order.customer_id)
    for name, value in changes.items():
        setattr(order, name, value)
    order.save(update_fields=[*changes, "updated_at"])
    return order
