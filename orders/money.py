"""Amounts: exact decimals with as many places as their currency has (ISO 4217)."""

from decimal import Decimal
from functools import cache

from iso4217 import Currency

DEFAULT_CURRENCY = "KRW"
MAX_DIGITS, MAX_PLACES = 19, 4  # the columns; no currency of ISO 4217 has more than four places
LIMIT = Decimal(10) ** (MAX_DIGITS - MAX_PLACES)  # amounts are below it

# Without metals, bond units and test codes, which have no places of their own.
PLACES = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def has_right_places(amount: Decimal, currency: str) -> bool:
    """Whether the currency can express the amount: 12.5 in USD, not in KRW."""
    return amount == amount.quantize(smallest(currency))


@cache
def smallest(currency: str) -> Decimal:
    """The least amount of the currency: 1 for KRW, 0.01 for USD."""
    return Decimal(1).scaleb(-PLACES[currency])


def text(amount: Decimal, currency: str) -> str:
    """The amount as the API shows it: "12.50" for USD, "12" for KRW."""
    return str(amount.quantize(smallest(currency)))
