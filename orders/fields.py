"""Fields of the shapes of orders."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.fields import empty

from orders import money
from orders.permissions import ADD, staff_may


@extend_schema_field({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["12.50"]})
class ShownAmountField(serializers.Field[Any, Any, str, Any]):
    """An amount of an order with the places of its currency, as a string: JSON numbers are floats to many."""

    def __init__(self, attribute: str, *, order: str | None = None, **kwargs: Any) -> None:
        self.attribute, self.order = attribute, order
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        order = getattr(value, self.order) if self.order else value
        return money.text(getattr(value, self.attribute), order.currency)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,4})?$", "examples": ["12.50"]},
            {"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
        ]
    }
)
class AmountField(serializers.DecimalField):
    """An amount that a client sends: a string or a whole number, never a float."""

    default_error_messages = {
        "float": _('Send the amount as a string, such as "12.50": a number with a point is not exact.')
    }

    def __init__(self, **kwargs: Any) -> None:
        limits = {"max_digits": money.MAX_DIGITS, "decimal_places": money.MAX_PLACES, "min_value": Decimal(0)}
        super().__init__(**{**limits, **kwargs})

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, float | bool):
            self.fail("float")
        return super().to_internal_value(data)


@extend_schema_field({"type": ["integer", "null"], "minimum": 1})
class CustomerField(serializers.PrimaryKeyRelatedField[Any]):
    """Whose order it is: anybody for staff; only themselves for members.

    A member learns nothing about other ids: existing or not, the answer is 403.
    """

    def to_internal_value(self, data: Any) -> Any:
        caller = self.context["request"].user
        if str(data) == str(caller.pk):
            return caller
        if not staff_may(caller, ADD):
            raise PermissionDenied(_("An order can only be placed for yourself; leave customer out."))
        return super().to_internal_value(data)


class StaffOnlyField(serializers.CharField):
    """Text that staff may set, and members may not; what it is already may be sent back by anybody."""

    default_error_messages = {"staff": _("Only staff may set this; leave it out.")}

    def run_validation(self, data: Any = empty) -> Any:
        if data is empty or staff_may(self.context["request"].user, ADD):
            return super().run_validation(data)
        instance = getattr(self.parent, "instance", None)
        if instance is not None and data == getattr(instance, str(self.field_name)):
            raise serializers.SkipField
        self.fail("staff")
