"""Fields that a PATCH may name but not change."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class ImmutableFieldsMixin(serializers.BaseSerializer[Any]):
    """Refuses a new value for a field of `Meta.immutable_fields`, so that nobody believes it was stored.

    The value that the resource has already is accepted: a client may send back what it read.
    """

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)  # refuses what is not an object
        current = self.to_representation(self.instance)
        missing = object()
        errors = {
            name: [_("This cannot be changed here.")]
            for name in self.Meta.immutable_fields  # type: ignore[attr-defined]
            if name in data and data[name] != current.get(name, missing)
        }
        if errors:
            raise serializers.ValidationError(errors)
        return value
