"""Write orders as CSV."""

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.http import QueryDict

from orders.exporting import csv_of
from orders.filters import OrderFilter
from orders.models import Order
from orders.progress import bar
from routers.continuation import Continuation

WAIT_SECONDS = 10  # for a replica to have all that is committed when it begins; then the primary is read


class Command(BaseCommand):
    help = "Writes orders as CSV, newest first; the filters are those of GET /orders/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="by default, standard output")
        parser.add_argument("--bom", action="store_true", help="begin with a byte order mark, for Excel")
        parser.add_argument("--emails", action="store_true", help="with the customers' emails")
        filters = parser.add_argument_group("filters")
        for name in filter_names():
            filters.add_argument(option_of(name), dest=f"filter {name}", action="append", metavar="VALUE")

    def handle(self, *args: Any, output: Path | None, bom: bool, emails: bool, **options: Any) -> None:
        orders = filtered(options)
        try:
            with (
                output.open("wb") if output else nullcontext(sys.stdout.buffer) as file,
                bar("exported") as progress,
            ):
                for piece in csv_of(
                    orders,
                    emails=emails,
                    bom=bom,
                    continuation=Continuation(wait_seconds=WAIT_SECONDS),
                    progress=progress.update,
                ):
                    file.write(piece)
                file.flush()
        except OSError as error:
            raise CommandError(str(error)) from error


def filter_names() -> list[str]:
    """As they stand in a query string; a range has two."""
    fields = OrderFilter(queryset=Order.objects.none()).form.fields
    return [
        f"{name}_{suffix}" if suffix else name
        for name, field in fields.items()
        for suffix in getattr(field.widget, "suffixes", [""])
    ]


def option_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def filtered(options: dict[str, Any]) -> QuerySet[Order]:
    asked = QueryDict(mutable=True)
    for name in filter_names():
        if values := options.get(f"filter {name}"):
            asked.setlist(name, values)
    chosen = OrderFilter(asked, queryset=Order.objects.all())
    if not chosen.is_valid():
        errors = [f"{option_of(name)}: {' '.join(said)}" for name, said in chosen.errors.items()]
        raise CommandError(" ".join(errors))
    orders: QuerySet[Order] = chosen.qs
    return orders
