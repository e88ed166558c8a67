"""Compare orders with their histories."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import QuerySet

from orders import replay
from orders.models import Order
from orders.progress import bar

BATCH = 500  # orders, with their lines, events and refunds


class Command(BaseCommand):
    help = (
        "Plays the events of each order again and prints where the order differs; exit status 1 if any does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customer", type=int, metavar="ID", help="only this member's orders")

    def handle(self, *args: Any, customer: int | None, **options: Any) -> None:
        orders = Order.objects.all() if customer is None else Order.objects.filter(customer=customer)
        checked = differing = 0
        with bar("verified", orders.count()) as progress:
            for order in in_batches(orders):
                checked += 1
                differing += self._report(order)
                progress.update()
        if differing:
            raise CommandError(f"{differing} of {checked} orders differ from their histories.")
        self.stdout.write(f"{checked} orders agree with their histories.")

    def _report(self, order: Order) -> bool:
        found = replay.faults(order) and faults_for_sure(order)
        for fault in found:
            self.stdout.write(f"{order.order_number}: {fault}")
        return bool(found)


def in_batches(orders: QuerySet[Order]) -> Iterator[Order]:
    """By id; each batch is four statements."""
    last, whole = 0, orders.order_by("pk").prefetch_related("lines", "events", "refunds")
    while batch := list(whole.filter(pk__gt=last)[:BATCH]):
        yield from batch
        last = batch[-1].pk


def faults_for_sure(order: Order) -> list[str]:
    """With nobody changing it: a change between two statements looks like a fault."""
    with transaction.atomic():
        return replay.faults(Order.objects.select_for_update().get(pk=order.pk))
