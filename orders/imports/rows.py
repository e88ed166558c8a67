"""What a row may say: light checks, for a hundred thousand of them."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from orders import money
from orders.errors import OrderError, WrongPlaces
from orders.imports.formats import LINE_FIELDS, NEEDED, Record
from orders.imports.report import Errors
from orders.lifecycle import Status
from orders.models import ORDER_NUMBER
from orders.placing import Line, sum_of
from orders.serializers import MAX_LINES, MAX_QUANTITY

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
SOURCE = "import"
# Control characters but tab and line ends; lone surrogates, which stand for bytes that are no UTF-8.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?", re.ASCII)
WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
WORD = re.compile(r"[!-~]+", re.ASCII)


class Row(NamedTuple):
    """A row that may become an order; `content` is what `placing` takes, `customer` an email or an id.

    `place` is that of its outcome in the report.
    """

    place: int
    customer: str | int
    content: dict[str, Any]

    @property
    def reference(self) -> str:
        reference: str = self.content["external_reference"]
        return reference


class BadRow(Exception):
    """`errors` by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


def checked(place: int, record: Record) -> Row:
    """Raises `BadRow`, which names all that is wrong."""
    said = {name: value for name, value in record.content.items() if value is not None and value != ""}
    content, errors = parsed(said, PARSERS)
    errors = {**(record.errors or {}), **errors}
    for name in NEEDED:
        if name not in said:
            errors[name] = [_("This field is required.")]
    if not errors:
        errors = contradictions(content)
    if errors:
        raise BadRow(errors)
    return Row(place, content.pop("customer"), {"source": SOURCE, **content})


def parsed(said: Mapping[str, Any], parsers: Mapping[str, Callable[[Any], Any]]) -> tuple[Any, Errors]:
    """What it says by field, and what is wrong by field."""
    content, errors = {}, {}
    for name, value in said.items():
        if name in parsers:
            try:
                content[name] = parsers[name](value)
            except ValueError as error:
                errors[name] = [str(error)]
    if any(name in said for name in LINE_FIELDS):  # a CSV row has one line
        line, wrong = parsed_line({"name": said.get("product_name"), **said})
        content["lines"], errors = [line], {**errors, **wrong}
    return content, errors


def contradictions(content: dict[str, Any]) -> Errors:
    lines, currency = content.get("lines", []), content.get("currency", money.DEFAULT_CURRENCY)
    if not lines and not content.get("product_name"):
        return {"product_name": [_("A product's name or a line is required.")]}
    if content.get("status") == Status.PENDING and "paymented_at" in content:
        return {"paymented_at": [_("A pending order has not been paid; leave this empty.")]}
    try:
        sum_of(lines, currency)
    except OrderError as error:
        return {"unit_price" if isinstance(error, WrongPlaces) else "lines": [str(error)]}
    return {}


def text(longest: int) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise ValueError(_("A text is expected."))
        value = str(value).strip()
        if FORBIDDEN.search(value):
            raise ValueError(_("Control characters, and bytes that are not UTF-8, are not possible here."))
        if not 1 <= len(value) <= longest:
            raise ValueError(_("1 to %(longest)s characters are expected.") % {"longest": longest})
        return value

    return parse


def matching(pattern: re.Pattern[str], longest: int, sentence: Callable[[], str]) -> Callable[[Any], str]:
    of_length = text(longest)

    def parse(value: Any) -> str:
        value = of_length(value)
        if not pattern.fullmatch(value):
            raise ValueError(sentence())
        return value

    return parse


def customer(value: Any) -> str | int:
    value = text(254)(value)
    if "@" in value:
        return value.lower()
    if WHOLE.fullmatch(value):
        return int(value)
    raise ValueError(_("A member's email or id is expected."))


def one_of(choices: Callable[[], Any]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or value not in choices():
            raise ValueError(_("Possible are: %(choices)s.") % {"choices": ", ".join(sorted(choices()))})
        return str(value)

    return parse


def moment(value: Any) -> datetime:
    """Without an offset, of the service's time zone; without a time, that day's beginning."""
    try:
        time = datetime.fromisoformat(value.strip())
        time = timezone.make_aware(time) if timezone.is_naive(time) else time
        is_possible = OLDEST <= time <= timezone.now() + CLOCKS_DIFFER
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(_("A time is expected, such as 2024-05-31T12:30:00+09:00.")) from error
    if not is_possible:
        raise ValueError(_("A time from 1970 on and not in the future is expected."))
    return time.astimezone(UTC)


def quantity(value: Any) -> int:
    digits = str(value).strip()
    if isinstance(value, bool) or not WHOLE.fullmatch(digits) or not 1 <= int(digits) <= MAX_QUANTITY:
        raise ValueError(_("A whole number from 1 to %(most)s is expected.") % {"most": MAX_QUANTITY})
    return int(digits)


def amount(value: Any) -> Decimal:
    if isinstance(value, bool | float) or not AMOUNT.fullmatch(digits := str(value).strip()):
        raise ValueError(_('An amount is expected as a text or a whole number, such as "12.50".'))
    try:
        return Decimal(digits)
    except InvalidOperation as error:
        raise ValueError(str(error)) from error


def lines(value: Any) -> list[Line]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_LINES:
        raise ValueError(_("A list of 1 to %(most)s lines is expected.") % {"most": MAX_LINES})
    found = []
    for position, said in enumerate(value, 1):
        if not isinstance(said, dict) or not said.keys() <= LINE_PARSERS.keys():
            where = {"position": position, "expected": ", ".join(LINE_PARSERS)}
            raise ValueError(_("Line %(position)s: an object with %(expected)s is expected.") % where)
        line, errors = parsed_line(said)
        for name, sentences in errors.items():
            where = {"position": position, "name": name, "sentence": sentences[0]}
            raise ValueError(_("Line %(position)s, %(name)s: %(sentence)s") % where)
        found.append(line)
    return found


def parsed_line(said: Mapping[str, Any]) -> tuple[Line, Errors]:
    content, errors = {}, {}
    for name, parse in LINE_PARSERS.items():
        value = said.get(name)
        if value is not None and value != "":
            try:
                content[name] = parse(value)
            except ValueError as error:
                errors[name] = [str(error)]
    if "name" not in content and "name" not in errors:
        errors["name"] = [_("This field is required.")]
    return Line(**{"name": "", **content}), errors


PARSERS: dict[str, Callable[[Any], Any]] = {
    "external_reference": text(64),
    "customer": customer,
    "product_name": text(200),
    "lines": lines,
    "currency": one_of(lambda: money.PLACES),
    "status": one_of(lambda: [status.value for status in Status]),
    "placed_at": moment,
    "paymented_at": moment,
    "order_number": matching(ORDER_NUMBER, 12, lambda: _("An order number is 12 characters of 0-9 and A-Z.")),
    "source": matching(WORD, 30, lambda: _("One word of ASCII is expected.")),
}
LINE_PARSERS: dict[str, Callable[[Any], Any]] = {
    "sku": text(64),
    "name": text(200),
    "quantity": quantity,
    "unit_price": amount,
}
