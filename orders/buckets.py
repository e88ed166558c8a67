"""Days, weeks and months of the service's time zone, as stretches of time. No database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from orders.moments import start_of

MOST = 800
LENGTHS = {"day": 1, "week": 7, "month": 32}  # days after which another one has begun


class TooManyBuckets(ValueError):
    """The window is too long for buckets of this length."""


@dataclass(frozen=True)
class Bucket:
    day: date  # its first, by the calendar
    start: datetime  # from here on, within the window


def buckets(start: datetime, end: datetime, by: str) -> list[Bucket]:
    """Those from `start` to before `end`; the first and the last may be cut. Raises `TooManyBuckets`."""
    found: list[Bucket] = []
    for bucket in _buckets(start, end, by):
        found.append(bucket)
        if len(found) > MOST:
            raise TooManyBuckets
    return found


def _buckets(start: datetime, end: datetime, by: str) -> Iterator[Bucket]:
    day, opened = first_day(timezone.localdate(start), by), start
    while opened < end:
        following = first_day(day + timedelta(days=LENGTHS[by]), by)
        closes = start_of(following)
        if closes > opened:  # else a day that the zone has skipped, as Samoa did in 2011
            yield Bucket(day, opened)
        day, opened = following, max(opened, closes)


def first_day(day: date, by: str) -> date:
    """Of the bucket that the day is in. Weeks begin on Monday (ISO 8601)."""
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if by == "week" else day
