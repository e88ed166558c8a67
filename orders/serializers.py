"""The shapes of orders."""

from datetime import tzinfo
from typing import Any

from django.contrib.auth import get_user_model
from django.core.validators import RegexValidator
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from orders import moments, money
from orders.fields import AmountField, CustomerField, ShownAmountField, StaffOnlyField
from orders.immutable import ImmutableFieldsMixin
from orders.lifecycle import Status
from orders.models import Order, OrderEvent, OrderLine, Refund
from orders.permissions import VIEW, staff_may
from orders.placing import Line

CHANGEABLE = ("product_name", "external_reference")
PLACED_STATUSES = [(status.value, status.value) for status in (Status.PENDING, Status.PAID)]
MAX_LINES = 200
MAX_QUANTITY = 1_000_000
SHOWN = (
    "id",
    "customer",
    "order_number",
    "product_name",
    "status",
    "payment_status",
    "currency",
    "total",
    "refunded_total",
    "placed_at",
    "paymented_at",
    "updated_at",
    "version",
    "source",
    "external_reference",
)


class OrderListSerializer(serializers.ListSerializer[Order]):
    """A page of orders."""

    def to_representation(self, data: Any) -> list[Any]:
        zone = get_current_timezone()
        return [row_of(order, zone) for order in data]


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as a row of a list. The fields describe it; `row_of` makes it, without asking each of them."""

    total = ShownAmountField("total")
    refunded_total = ShownAmountField("refunded_total")

    class Meta:
        model = Order
        fields = SHOWN
        read_only_fields = SHOWN
        list_serializer_class = OrderListSerializer

    def to_representation(self, instance: Order) -> dict[str, Any]:
        return row_of(instance, get_current_timezone())


def row_of(order: Order, zone: tzinfo) -> dict[str, Any]:
    """What `OrderSerializer` shows. A page has thirty, and its time is in them."""
    return {
        "id": order.pk,
        "customer": order.customer_id,
        "order_number": order.order_number,
        "product_name": order.product_name,
        "status": order.status,
        "payment_status": order.payment_status,
        "currency": order.currency,
        "total": money.text(order.total, order.currency),
        "refunded_total": money.text(order.refunded_total, order.currency),
        "placed_at": moments.shown(order.placed_at, zone),
        "paymented_at": moments.shown(order.paymented_at, zone),
        "updated_at": moments.shown(order.updated_at, zone),
        "version": order.version,
        "source": order.source,
        "external_reference": order.external_reference,
    }


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    unit_price = ShownAmountField("unit_price", order="order")

    class Meta:
        model = OrderLine
        fields = (
            "position",
            "sku",
            "name",
            "quantity",
            "quantity_canceled",
            "quantity_returned",
            "unit_price",
        )


class RefundSerializer(serializers.ModelSerializer[Refund]):
    amount = ShownAmountField("amount", order="order")

    class Meta:
        model = Refund
        fields = ("id", "amount", "reason", "created_at")


class OrderDetailSerializer(OrderSerializer):
    """An order by itself, with its lines and refunds."""

    lines = OrderLineSerializer(many=True, read_only=True)
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = (*SHOWN, "lines", "refunds")
        read_only_fields = fields

    def to_representation(self, instance: Order) -> dict[str, Any]:
        lines = [line_of(line, instance.currency) for line in instance.lines.all()]
        refunds: Any = []
        if instance.refunded_total:
            refunds = RefundSerializer(instance.refunds.all(), many=True).data
        return {**super().to_representation(instance), "lines": lines, "refunds": refunds}


def line_of(line: OrderLine, currency: str) -> dict[str, Any]:
    """What `OrderLineSerializer` shows."""
    return {
        "position": line.position,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "quantity_canceled": line.quantity_canceled,
        "quantity_returned": line.quantity_returned,
        "unit_price": money.text(line.unit_price, currency),
    }


class ChangeOrderSerializer(ImmutableFieldsMixin, serializers.ModelSerializer[Order]):
    """What a PATCH may change; `external_reference` by staff. Which status allows it: docs/orders.md."""

    external_reference = StaffOnlyField(max_length=64, allow_null=True, required=False)

    class Meta:
        model = Order
        fields = CHANGEABLE
        immutable_fields = (*(name for name in SHOWN if name not in CHANGEABLE), "lines", "refunds")

    def to_representation(self, instance: Order) -> dict[str, Any]:
        """What a client may have read, and sends back."""
        return OrderDetailSerializer(instance).data


class PlacedLineSerializer(serializers.Serializer[Any]):
    """One thing that is ordered."""

    sku = serializers.CharField(max_length=64, required=False, allow_blank=True)
    name = serializers.CharField(max_length=200)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)
    unit_price = AmountField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        return Line(**super().to_internal_value(data))


class PlaceOrderSerializer(serializers.ModelSerializer[Order]):
    """What a client sends to place an order: a product's name, or lines, or both."""

    customer = CustomerField(queryset=get_user_model().objects, required=False, allow_null=True)
    order_number = serializers.CharField(
        validators=Order._meta.get_field("order_number").validators,
        required=False,
        help_text="12 characters of 0-9 and A-Z; generated when left out.",
    )
    product_name = serializers.CharField(
        max_length=200, required=False, help_text="Needed where there are no lines; else made from them."
    )
    lines = serializers.ListField(
        child=PlacedLineSerializer(), required=False, min_length=1, max_length=MAX_LINES
    )
    currency = serializers.ChoiceField(choices=sorted(money.PLACES), required=False)
    status = serializers.ChoiceField(
        choices=PLACED_STATUSES,
        required=False,
        help_text="pending registers an order before its payment.",
    )
    source = StaffOnlyField(  # type: ignore[assignment]  # not Field.source
        max_length=30,
        required=False,
        validators=[RegexValidator(r"\A[!-~]+\Z", _("One word of ASCII is expected."))],
    )
    external_reference = StaffOnlyField(max_length=64, required=False)

    class Meta:
        model = Order
        fields = (
            "customer",
            "order_number",
            "product_name",
            "lines",
            "currency",
            "status",
            "source",
            "external_reference",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("product_name") and not attrs.get("lines"):
            raise serializers.ValidationError({"product_name": [_("This field is required.")]})
        return attrs


class ReasonSerializer(serializers.Serializer[Any]):
    """Why, for the customer to read; and a note that only staff read."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class ShipSerializer(ReasonSerializer):
    carrier = serializers.CharField(max_length=100, required=False, allow_blank=True)
    tracking_number = serializers.CharField(max_length=100, required=False, allow_blank=True)


class QuantitySerializer(serializers.Serializer[Any]):
    """How many of which line."""

    position = serializers.IntegerField(min_value=1, max_value=MAX_LINES)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class TakeSerializer(ReasonSerializer):
    """Cancel or return: all that is left, or these quantities."""

    lines = serializers.ListField(
        child=QuantitySerializer(), required=False, min_length=1, max_length=MAX_LINES
    )

    def validate_lines(self, lines: list[dict[str, int]]) -> dict[int, int]:
        quantities = {line["position"]: line["quantity"] for line in lines}
        if len(quantities) < len(lines):
            raise serializers.ValidationError(_("Each position may be named once."))
        return quantities


class PlaceRefundSerializer(serializers.Serializer[Any]):
    amount = AmountField(required=False, help_text="All that is left, when it is left out.")
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class NoteSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=2000)
    audience = serializers.ChoiceField(
        choices=["internal", "customer"],
        required=False,
        help_text="internal, for staff alone, unless staff say otherwise; a member's own is customer.",
    )


class EventSerializer(serializers.ModelSerializer[OrderEvent]):
    """One thing that happened to an order; its owner sees neither who of the staff it was nor their notes."""

    class Meta:
        model = OrderEvent
        fields = (
            "seq",
            "type",
            "role",
            "actor",
            "from_status",
            "to_status",
            "data",
            "request_id",
            "created_at",
        )

    def to_representation(self, instance: OrderEvent) -> dict[str, Any]:
        shown = super().to_representation(instance)
        hidden = {"content"}
        if not staff_may(self.context["request"].user, VIEW):
            hidden.add("note")
            shown["request_id"] = ""
            shown["actor"] = shown["actor"] if shown["role"] == "owner" else None
        shown["data"] = {name: value for name, value in shown["data"].items() if name not in hidden}
        return shown
