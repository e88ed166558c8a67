"""Files of orders: CSV (RFC 4180) and JSON lines, read a row at a time."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, TextIO

import orjson
from django.utils.translation import gettext as _

from orders.imports.report import Errors

LONGEST_LINE = 1024 * 1024  # characters of CSV, bytes of JSON: what is held of a file at once
LINE_FIELDS = ("sku", "name", "quantity", "unit_price")
FIELDS = (
    "external_reference",
    "customer",
    "product_name",
    "currency",
    "status",
    "placed_at",
    "paymented_at",
    "order_number",
    "source",
)
COLUMNS = (*FIELDS, *LINE_FIELDS)
KEYS = (*FIELDS, "lines")
NEEDED = ("external_reference", "customer")


class Record(NamedTuple):
    """A row as it stands in the file: what it says by field, or why it says nothing."""

    number: int
    content: dict[str, Any]
    errors: Errors | None = None


class Unreadable(Exception):
    """The file is broken from this row on, or not what is expected at all."""

    def __init__(self, row: int, errors: Errors) -> None:
        super().__init__(errors)
        self.row, self.errors = row, errors


def csv_records(file: BinaryIO) -> Iterator[Record]:
    """Raises `Unreadable`. Bytes that are no UTF-8 become lone surrogates, which no field accepts."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text_lines(text), strict=True)
    number, header = 0, None
    try:
        for number, cells in enumerate(reader, 1):
            if header is None:
                header = checked_header(cells)
            elif cells:  # an empty line is no row
                yield csv_record(number, header, cells)
    except csv.Error as error:
        sentence = _("This is not CSV: %(error)s. Is a quotation mark not closed?") % {"error": error}
        raise Unreadable(number + 1, {"row": [sentence]}) from error
    finally:
        text.detach()


def checked_header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    expected = ", ".join(COLUMNS)
    errors: Errors = {
        shown(name): [_("Unknown column. Known are: %(expected)s.") % {"expected": expected}]
        for name in names
        if name not in COLUMNS
    }
    errors |= {name: [_("This column is there twice.")] for name in COLUMNS if names.count(name) > 1}
    errors |= {name: [_("This column is missing.")] for name in NEEDED if name not in names}
    if errors:
        raise Unreadable(1, errors)
    return names


def csv_record(number: int, header: list[str], cells: list[str]) -> Record:
    if len(cells) == len(header):
        return Record(number, dict(zip(header, cells, strict=True)))
    counted = {"expected": len(header), "found": len(cells)}
    sentence = _("There are %(found)s cells; the header has %(expected)s.") % counted
    return Record(number, dict(zip(header, cells, strict=False)), {"row": [sentence]})


def jsonl_records(file: BinaryIO) -> Iterator[Record]:
    """Raises `Unreadable`."""
    for number, line in enumerate(byte_lines(file), 1):
        if content := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield json_record(number, content)


def json_record(number: int, line: bytes) -> Record:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        sentence = _("This is not UTF-8 JSON: %(error)s.") % {"error": error}
        return Record(number, {}, {"row": [sentence]})
    if not isinstance(content, dict):
        return Record(number, {}, {"row": [_("A JSON object is expected.")]})
    unknown = _("Unknown field. Known are: %(expected)s.") % {"expected": ", ".join(KEYS)}
    errors = {shown(name): [unknown] for name in content if name not in KEYS}
    return Record(number, content, errors or None)


def text_lines(text: TextIO) -> Iterator[str]:
    return whole_lines(iter(lambda: text.readline(LONGEST_LINE), ""), ("\n", "\r"))


def byte_lines(file: BinaryIO) -> Iterator[bytes]:
    return whole_lines(iter(lambda: file.readline(LONGEST_LINE), b""), (b"\n",))


def whole_lines(lines: Iterable[Any], ends: tuple[Any, ...]) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        if len(line) >= LONGEST_LINE and not line.endswith(ends):
            sentence = _("This line is longer than %(limit)s characters.") % {"limit": LONGEST_LINE}
            raise Unreadable(number, {"row": [sentence]})
        yield line


def shown(name: str) -> str:
    """Somebody's field name as it may stand in an answer: short, and UTF-8."""
    return name[:100].encode(errors="replace").decode()


FORMATS: dict[str, Callable[[BinaryIO], Iterator[Record]]] = {"csv": csv_records, "jsonl": jsonl_records}
