"""How what MySQL sends becomes Python values: as Django has it, but for times, which C parses here."""

from datetime import datetime
from typing import Any

from MySQLdb.constants import FIELD_TYPE  # type: ignore[import-untyped]  # has no stubs
from MySQLdb.times import DateTime_or_None  # type: ignore[import-untyped]  # has no stubs


def moment(text: str) -> datetime | None:
    """A DATETIME or TIMESTAMP, without a zone; None for what no datetime holds, such as a day zero."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found: datetime | None = DateTime_or_None(text)
        return found


def with_moments(conversions: dict[int, Any]) -> dict[int, Any]:
    return {**conversions, FIELD_TYPE.DATETIME: moment, FIELD_TYPE.TIMESTAMP: moment}
