"""Cancel what was never paid."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from orders.services import cancel_expired


def hours(text: str) -> timedelta:
    try:
        value = float(text)
        if not value > 0:  # also what is not a number
            raise ValueError
        return timedelta(hours=value)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError("a number of hours above 0 is expected") from error


class Command(BaseCommand):
    help = "Cancels pending orders that were placed more than HOURS ago; safe to repeat, at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=hours, required=True, metavar="HOURS")
        parser.add_argument("--dry-run", action="store_true", help="count them, and cancel none")

    def handle(self, *args: Any, older_than: timedelta, dry_run: bool, **options: Any) -> None:
        count = cancel_expired(placed_before=timezone.now() - older_than, dry_run=dry_run)
        self.stdout.write(f"{count} expired orders {'would be' if dry_run else 'are'} canceled.")
