"""The orders table."""

import re

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

ORDER_NUMBER_LENGTH = 12
ORDER_NUMBER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORDER_NUMBER = re.compile(r"[0-9A-Z]{12}", re.ASCII)


class Order(models.Model):
    """What one member ordered. Newest first is by id: ids are given in the order of insertion."""

    # ascii_bin: 12 bytes a key, and no collation that would call two numbers the same.
    order_number = models.CharField(
        max_length=ORDER_NUMBER_LENGTH,
        unique=True,
        db_collation="ascii_bin",
        validators=[
            RegexValidator(rf"\A{ORDER_NUMBER.pattern}\Z", "An order number is 12 characters of 0-9 and A-Z.")
        ],
    )
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    product_name = models.CharField(max_length=200)
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    paymented_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.order_number
