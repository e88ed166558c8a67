"""Delete the idempotency keys that no longer count."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.idempotency import delete_expired


class Command(BaseCommand):
    help = "Deletes idempotency keys that are older than they are kept; safe to repeat, at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{delete_expired()} idempotency keys are deleted.")
