"""What a list of orders can be narrowed by."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from orders import money
from orders.models import PAYMENT_STATUSES, STATUSES, Order, OrderLine
from orders.moments import MomentFormField
from orders.selectors import orders_of


class IntegerFilter(django_filters.Filter):
    field_class = forms.IntegerField


class MomentFilter(django_filters.Filter):
    field_class = MomentFormField


class SeparatedWidget(forms.TextInput):
    """Several values: the parameter repeated, or separated by commas."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        given = data.getlist(name) if hasattr(data, "getlist") else [data.get(name, "")]
        return [word for text in given for word in text.split(",") if word]


class WordsField(forms.MultipleChoiceField):
    widget = SeparatedWidget
    default_error_messages = {"invalid_choice": _("%(value)s is none of: %(known)s.")}

    def validate(self, value: list[str]) -> None:
        known = [word for word, name in list(self.choices)]  # type: ignore[arg-type]
        for word in value:
            if word not in known:
                facts = {"value": word, "known": ", ".join(known)}
                raise forms.ValidationError(self.error_messages["invalid_choice"], params=facts)


class WordsFilter(django_filters.MultipleChoiceFilter):
    """One of these words."""

    field_class = WordsField

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__in": sorted(set(value))}) if value else qs


class AmountFilter(django_filters.Filter):
    field_class = forms.DecimalField

    def __init__(self, **kwargs: Any) -> None:
        limits = {"max_digits": money.MAX_DIGITS, "decimal_places": money.MAX_PLACES, "min_value": 0}
        super().__init__(**limits, **kwargs)


class OrderFilter(django_filters.FilterSet):
    customer = IntegerFilter(method="of_member", min_value=1, help_text="A member's id.")
    product_name = django_filters.CharFilter(help_text="Exactly.")
    product = django_filters.CharFilter(
        field_name="product_name", lookup_expr="icontains", help_text="A part of the product's name."
    )
    sku = django_filters.CharFilter(method="with_sku", max_length=64, help_text="Of one of its lines.")
    status = WordsFilter(choices=STATUSES, help_text="Repeated, or separated by commas: one of these.")
    payment_status = WordsFilter(choices=PAYMENT_STATUSES, help_text="As `status`.")
    placed_after = MomentFilter(
        field_name="placed_at", lookup_expr="gte", help_text="At or after this ISO 8601 time or date."
    )
    placed_before = MomentFilter(field_name="placed_at", lookup_expr="lt", help_text="Before it.")
    total_min = AmountFilter(field_name="total", lookup_expr="gte", help_text="At least.")
    total_max = AmountFilter(field_name="total", lookup_expr="lte", help_text="At most.")
    changed_since = MomentFilter(
        method="changed",
        help_text="Changed at or after this time, oldest change first unless `ordering` says otherwise."
        " Who polls goes back a few seconds each time.",
    )

    class Meta:
        model = Order
        fields = ("customer", "product_name")

    def of_member(self, orders: QuerySet[Order], name: str, value: int) -> QuerySet[Order]:
        return orders_of(value, among=orders)

    def with_sku(self, orders: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        return orders.filter(Exists(OrderLine.objects.filter(order=OuterRef("pk"), sku=value)))

    def changed(self, orders: QuerySet[Order], name: str, value: datetime) -> QuerySet[Order]:
        return orders.filter(updated_at__gte=value).order_by("updated_at", "pk")
