"""Amounts, as pages of the back office show them."""

from decimal import Decimal

from django import template

from orders.shown import shown_amount

register = template.Library()


@register.simple_tag
def amount(value: Decimal, currency: str) -> str:
    return shown_amount(value, currency)
