"""Import past orders from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.actors import SYSTEM
from orders.errors import TooBusy
from orders.imports.formats import FORMATS
from orders.imports.importing import MODES, import_orders
from orders.imports.report import FAILED, Report
from orders.progress import bar


class Command(BaseCommand):
    help = "Imports the orders of FILE, as POST /orders/import does (docs/orders-bulk.md); safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--mode",
            choices=MODES,
            default="all",
            help="all: every row or, where any is bad, nothing (default). best: the good ones",
        )
        parser.add_argument(
            "--format", choices=sorted(FORMATS), help="by default, what FILE's name ends with"
        )
        parser.add_argument("--dry-run", action="store_true", help="check the file, and write nothing")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        file_format = options["format"] or file.suffix.removeprefix(".").lower()
        if file_format not in FORMATS:
            raise CommandError(f"What is {file.name}? Say --format {' or --format '.join(sorted(FORMATS))}.")
        report = self._import(file, file_format, mode=options["mode"], dry_run=options["dry_run"])
        for outcome in report.outcomes:
            for name, sentences in (outcome.errors or {}).items():
                self.stdout.write(f"row {outcome.row}, {name}: {' '.join(sentences)}")
        counts = ", ".join(f"{count} {result}" for result, count in report.counts().items())
        said = f"{counts}{' (dry run: nothing is written)' if options['dry_run'] else ''}."
        if report.refused or report.counts()[FAILED]:
            raise CommandError(f"{said} Nothing is written." if report.refused else said)
        self.stdout.write(said)

    def _import(self, file: Path, file_format: str, **how: Any) -> Report:
        try:
            with file.open("rb") as opened, bar("checked") as checked, bar("written") as written:
                return import_orders(
                    opened,
                    file_format=file_format,
                    actor=SYSTEM,
                    on_check=checked.update,
                    on_write=written.update,
                    **how,
                )
        except (OSError, TooBusy) as error:
            raise CommandError(str(error)) from error
