"""Points in time as clients write them."""

from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

FIRST_YEAR, LAST_YEAR = 1001, 9998  # what a DATETIME of MySQL holds, whatever the zone
EXPECTED = _(
    "A date or a time of ISO 8601 is expected, such as 2026-01-31 or 2026-01-31T09:00:00Z"
    " (in a URL, the + of a zone has to be encoded)."
)


def parse_moment(text: str) -> datetime:
    """A time of ISO 8601; without a zone it is of the service's, a date alone is its first moment there.

    Raises ValueError.
    """
    moment = parse_datetime(text) or parse_date(text)
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("neither a date nor a time")
    if not isinstance(moment, datetime):
        return start_of(moment)
    return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).astimezone(UTC)


@lru_cache(maxsize=4096)  # the times of one order are often the same; so are those of a list asked for again
def shown(moment: datetime | None, zone: tzinfo) -> str | None:
    """As DRF's DateTimeField shows it, with Z for UTC."""
    if moment is None:
        return None
    text = moment.astimezone(zone).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def start_of(day: date) -> datetime:
    """Midnight in the service's time zone; where that is skipped, the moment at which it would be."""
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


class MomentFormField(forms.CharField):
    """In a filter."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_moment(text)
        except ValueError as error:
            raise ValidationError(EXPECTED) from error


@extend_schema_field({"type": "string", "examples": ["2026-01-31", "2026-01-31T09:00:00Z"]})
class MomentField(serializers.Field[datetime, str, str, Any]):
    """In a query or a body."""

    def to_internal_value(self, data: str) -> datetime:
        try:
            return parse_moment(data)
        except ValueError as error:
            raise serializers.ValidationError(EXPECTED) from error

    def to_representation(self, value: datetime) -> str:
        return timezone.localtime(value).isoformat()
