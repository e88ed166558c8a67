"""Orders of the past out of a file, each row once: its external reference says which order it is."""

from collections.abc import Callable
from typing import Any, BinaryIO, Literal

from orders.actors import Actor
from orders.imports.checking import Spool, check
from orders.imports.formats import FORMATS, Unreadable
from orders.imports.report import Report
from orders.imports.writing import Conflict, Writer

Mode = Literal["all", "best"]
MODES = ("all", "best")
Progress = Callable[[int], Any]


def import_orders(
    file: BinaryIO,
    *,
    file_format: str,
    mode: Mode,
    actor: Actor,
    dry_run: bool = False,
    on_check: Progress = lambda rows: None,
    on_write: Progress = lambda rows: None,
) -> Report:
    """What became of each row. The whole file is checked before anything is written.

    `mode`: "all" writes all rows or, where any is bad, nothing; "best" writes the good ones. A file
    that cannot be read to its end is refused in both. `dry_run` writes nothing and tells what would be.
    Raises `TooBusy`, in mode "all", having written nothing.
    """
    report = Report()
    with Spool() as spool:
        try:
            check(FORMATS[file_format](file), report, spool, on_check)
        except Unreadable as error:
            report.add(error.row, None, error.errors)
            return report.refuse()
        if mode == "all" and report.has_failed():
            return report.refuse()
        if not dry_run:
            return write(spool, report, mode, actor, on_write)
    return report


def write(spool: Spool, report: Report, mode: Mode, actor: Actor, progress: Progress) -> Report:
    writer = Writer(report, actor)
    if mode == "best":
        writer.write_each(spool, progress)
        return report
    try:
        writer.write_all(spool, progress)
    except Conflict:
        return report.refuse()
    return report
