"""The shapes of orders."""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from orders.immutable import ImmutableFieldsMixin
from orders.models import Order


class OrderSerializer(ImmutableFieldsMixin, serializers.ModelSerializer[Order]):
    """An order as every answer shows it; a PATCH may change the product's name."""

    class Meta:
        model = Order
        fields = ("id", "customer", "order_number", "product_name", "placed_at", "paymented_at", "updated_at")
        read_only_fields = ("customer", "order_number", "placed_at", "paymented_at")
        immutable_fields = ("id", "customer", "order_number", "placed_at", "paymented_at")


class CustomerField(serializers.PrimaryKeyRelatedField[Any]):
    """Whose order it is: anybody for staff; only themselves for members.

    A member learns nothing about other ids: existing or not, the answer is 403.
    """

    def to_internal_value(self, data: Any) -> Any:
        caller = self.context["request"].user
        if not caller.is_staff and str(data) != str(caller.pk):
            raise PermissionDenied("An order can only be placed for yourself; leave customer out.")
        return super().to_internal_value(data)


class PlaceOrderSerializer(serializers.ModelSerializer[Order]):
    """What a client sends to place an order."""

    customer = CustomerField(queryset=get_user_model().objects, required=False, allow_null=True)
    order_number = serializers.CharField(
        validators=Order._meta.get_field("order_number").validators,
        required=False,
        help_text="12 characters of 0-9 and A-Z; generated when left out.",
    )

    class Meta:
        model = Order
        fields = ("customer", "order_number", "product_name")
