"""The tables of orders, and what the database itself holds true of them."""

import re
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.lifecycle import PaymentStatus, Role, Status
from orders.money import DEFAULT_CURRENCY, MAX_DIGITS, MAX_PLACES

ORDER_NUMBER_LENGTH = 12
ORDER_NUMBER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STATUSES = [(status.value, status.value) for status in Status]
PAYMENT_STATUSES = [(status.value, status.value) for status in PaymentStatus]
ROLES = [(role.value, role.value) for role in Role]
ORDER_NUMBER = re.compile(r"[0-9A-Z]{12}", re.ASCII)


class AmountField(models.DecimalField):  # type: ignore[type-arg]  # generic in the stubs alone
    """An exact amount of any currency of ISO 4217."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_digits": MAX_DIGITS, "decimal_places": MAX_PLACES, "default": Decimal(0), **kwargs}
        )


class WordField(models.CharField):  # type: ignore[type-arg]
    """One word of ASCII out of few, compared as bytes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 20, "db_collation": "ascii_bin", **kwargs})


class Order(models.Model):
    """What one member ordered, and where it is. Newest first is by the time it was placed.

    `orders.services` alone changes one: it locks the row, and each change has its `OrderEvent`.
    """

    # ascii_bin: 12 bytes a key, and no collation that would call two numbers the same.
    order_number = models.CharField(
        max_length=ORDER_NUMBER_LENGTH,
        unique=True,
        db_collation="ascii_bin",
        validators=[
            RegexValidator(
                rf"\A{ORDER_NUMBER.pattern}\Z", _("An order number is 12 characters of 0-9 and A-Z.")
            )
        ],
    )
    # No index of its own: those of Meta begin with it.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    product_name = models.CharField(max_length=200)
    status = WordField(default=Status.PAID.value, choices=STATUSES)
    payment_status = WordField(
        default=PaymentStatus.PAID.value, choices=[(s.value, s.value) for s in PaymentStatus]
    )
    currency = WordField(max_length=3, default=DEFAULT_CURRENCY)
    total = AmountField()  # to be paid, or paid
    refunded_total = AmountField()
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    paymented_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1)  # the number of its events
    source = WordField(max_length=30, default="api")
    external_reference = models.CharField(  # noqa: DJ001 - null: unique among those that have one
        max_length=64,
        unique=True,
        null=True,
        db_collation="utf8mb4_bin",  # another system's words: compared as they are
    )

    class Meta:
        verbose_name, verbose_name_plural = _("order"), _("orders")
        ordering = ("-placed_at", "-id")
        permissions = [("refund_order", "Can refund orders"), ("import_order", "Can import orders")]
        # InnoDB ends each with the primary key, so that ties are in order too.
        indexes = [
            models.Index(fields=["customer", "placed_at"], name="order_history"),
            models.Index(fields=["customer", "status", "placed_at"], name="order_history_by_status"),
            models.Index(fields=["customer", "total"], name="order_history_by_total"),
            models.Index(fields=["customer"], name="order_history_by_id"),
            models.Index(fields=["customer", "updated_at"], name="order_history_by_change"),
            # All that a member's sums need: read instead of as many rows.
            models.Index(
                fields=["customer", "currency", "payment_status", "total", "refunded_total"],
                name="order_history_sums",
            ),
            models.Index(fields=["status", "placed_at"], name="order_by_status"),
            models.Index(fields=["payment_status", "placed_at"], name="order_by_payment"),
            models.Index(fields=["placed_at"], name="order_newest"),
            # All that everybody's figures need, likewise (drf_oms.home, orders.stats).
            models.Index(
                fields=["placed_at", "status", "payment_status", "currency", "total", "refunded_total"],
                name="order_figures",
            ),
            models.Index(fields=["total"], name="order_by_total"),
            models.Index(fields=["updated_at"], name="order_changed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[value for value, name in STATUSES]), name="order_status_known"
            ),
            models.CheckConstraint(
                condition=Q(refunded_total__gte=0) & Q(refunded_total__lte=F("total")),
                name="order_refunded_at_most_total",
            ),
            models.CheckConstraint(
                condition=Q(payment_status=PaymentStatus.UNPAID.value, paymented_at=None, refunded_total=0)
                | Q(payment_status=PaymentStatus.PAID.value, paymented_at__isnull=False, refunded_total=0)
                | Q(
                    payment_status=PaymentStatus.PARTIALLY_REFUNDED.value,
                    paymented_at__isnull=False,
                    refunded_total__gt=0,
                    refunded_total__lt=F("total"),
                )
                | Q(
                    payment_status=PaymentStatus.REFUNDED.value,
                    paymented_at__isnull=False,
                    refunded_total__gt=0,
                    refunded_total=F("total"),
                ),
                name="order_payment_agrees",
            ),
            models.CheckConstraint(
                condition=Q(payment_status=PaymentStatus.UNPAID.value) | ~Q(status=Status.PENDING.value),
                name="order_pending_is_unpaid",
            ),
        ]

    def __str__(self) -> str:
        return self.order_number

    @property
    def etag(self) -> str:
        """What `If-Match` compares (RFC 9110, section 8.8.3)."""
        return f'"{self.pk}-{self.version}"'


class OrderLine(models.Model):
    """So many of one thing."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()  # from 1
    sku = models.CharField(max_length=64, blank=True, default="", db_index=True)
    name = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    quantity_canceled = models.PositiveIntegerField(default=0)
    quantity_returned = models.PositiveIntegerField(default=0)
    unit_price = AmountField()

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="line_position"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="line_price_not_negative"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("quantity_canceled") + F("quantity_returned")),
                name="line_quantities_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def open_quantity(self) -> int:
        """What is neither canceled nor returned."""
        return self.quantity - self.quantity_canceled - self.quantity_returned


class OrderEvent(models.Model):
    """One change of an order; written with it, never changed (but see `orders.erasure`).

    `seq` is the order's version after it. `data` holds what `orders.replay` needs to repeat it.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    type = WordField()  # an Action, or "place", "change", "refund", "note"
    role = WordField(choices=ROLES)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    from_status = WordField(null=True)  # None: it was placed
    to_status = WordField()
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("seq",)
        constraints = [models.UniqueConstraint(fields=["order", "seq"], name="event_seq")]

    def __str__(self) -> str:
        return f"{self.type} #{self.seq}"


class Refund(models.Model):
    """Money that was given back."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    amount = AmountField()
    reason = models.CharField(max_length=500, blank=True, default="")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive")]

    def __str__(self) -> str:
        return f"refund of {self.amount}"


class IdempotencyKey(models.Model):
    """A caller's key of one POST, and what was answered to it (see `orders.idempotency`)."""

    caller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    key = models.CharField(max_length=255, db_collation="ascii_bin")
    fingerprint = models.CharField(max_length=64, db_collation="ascii_bin")  # SHA-256 of what was asked
    order = models.ForeignKey(Order, on_delete=models.CASCADE, null=True)  # what the answer tells of
    status_code = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key")]

    def __str__(self) -> str:
        return f"key {self.pk}"
