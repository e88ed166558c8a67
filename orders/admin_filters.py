"""What the list of orders in the back office can be narrowed by, besides their words."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders import labels, money
from orders.models import ORDER_NUMBER, Order
from orders.moments import MomentFormField
from orders.selectors import orders_of

MOST_MEMBERS = 20  # whose orders one search looks for
PRODUCT_DAYS = 92  # as far back as products are looked for: no index helps


class RangeFilter(ListFilter):
    """From one value, up to another; both may be left out."""

    template = "orders/admin/range_filter.html"
    field: type[forms.Field]
    field_options: dict[str, Any] = {}
    kind = "text"
    names: dict[str, tuple[str, Any]]  # parameter → lookup, label

    def __init__(self, request: HttpRequest, params: dict[str, Any], *args: Any) -> None:
        super().__init__(request, params, *args)
        for name in self.names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        others = {
            n: v for n, values in changelist.filter_params.items() if n not in self.names for v in values
        }
        inputs = [
            (name, label, self.used_parameters.get(name, "")) for name, (_, label) in self.names.items()
        ]
        yield {"inputs": inputs, "kind": self.kind, "others": others}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        field = self.field(required=False, **self.field_options)
        for name, (lookup, label) in self.names.items():
            try:
                value = field.clean(self.used_parameters.get(name, ""))
            except forms.ValidationError as error:
                messages.error(request, f"{self.title}, {label}: {' '.join(error.messages)}")
                continue
            if value is not None:
                queryset = queryset.filter(**{lookup: value})
        return queryset


class PlacedFilter(RangeFilter):
    title = _("time of placing")
    field = MomentFormField
    kind = "date"
    names = {"placed_after": ("placed_at__gte", _("from")), "placed_before": ("placed_at__lt", _("before"))}


class TotalFilter(RangeFilter):
    title = _("amount")
    field = forms.DecimalField
    field_options = {"max_digits": money.MAX_DIGITS, "decimal_places": money.MAX_PLACES, "min_value": 0}
    kind = "number"
    names = {"total_min": ("total__gte", _("at least")), "total_max": ("total__lte", _("at most"))}


class StatusFilter(SimpleListFilter):
    title, parameter_name = _("status"), "status"
    known = labels.STATUS

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word.value, label) for word, label in self.known.items()]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class PaymentFilter(StatusFilter):
    title, parameter_name = _("payment"), "payment_status"
    known = labels.PAYMENT  # type: ignore[assignment]  # other words


class CustomerFilter(ListFilter):
    """One member's orders; there once a link of theirs was followed."""

    title = _("member")
    template = "orders/admin/customer_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], *args: Any) -> None:
        super().__init__(request, params, *args)
        self.customer = None
        if "customer" in params:
            given = params.pop("customer")[-1]
            members = get_user_model().objects
            self.customer = members.filter(pk=given).first() if given.isdigit() else None
            if self.customer is None:
                messages.error(request, gettext("There is no such member."))

    def has_output(self) -> bool:
        return self.customer is not None

    def expected_parameters(self) -> list[str | None]:
        return ["customer"]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        remove = changelist.get_query_string(remove=["customer"])
        yield {"customer": self.customer, "query_string": remove}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        assert self.customer is not None  # noqa: S101 - else it has no output
        return orders_with_members(orders_of(self.customer.pk, among=queryset))


def orders_found(
    request: HttpRequest, orders: QuerySet[Order], text: str, *, by_member: bool
) -> QuerySet[Order]:
    """Those with this number; of members with this email, or name, from its beginning on; of this product.

    What the text looks like says which, for MySQL has an index for each, and none for all at once.
    """
    if ORDER_NUMBER.fullmatch(text.upper()):
        return orders.filter(order_number=text.upper())
    if by_member and "@" in text:
        return _of_members(request, orders, _members(email__startswith=text.lower()))
    if by_member and (named := _members(name__startswith=text)):
        return _of_members(request, orders, named)
    if not request.GET.get("placed_after"):
        messages.info(
            request,
            _("Products are looked for among the orders of %(days)d days; for older ones say from when.")
            % {"days": PRODUCT_DAYS},
        )
        orders = orders.filter(placed_at__gte=timezone.now() - timedelta(days=PRODUCT_DAYS))
    return orders.filter(product_name__icontains=text)


def _of_members(request: HttpRequest, orders: QuerySet[Order], found: list[int]) -> QuerySet[Order]:
    if len(found) > MOST_MEMBERS:
        sentence = _("More than %(most)d members are meant; these are the orders of some. Say more of it.")
        messages.warning(request, sentence % {"most": MOST_MEMBERS})
    if len(found) == 1:
        return orders_with_members(orders_of(found[0], among=orders))
    return orders.filter(customer_id__in=found[:MOST_MEMBERS])


def _members(**named: str) -> list[int]:
    found = get_user_model().objects.filter(**named).order_by()
    return list(found.values_list("pk", flat=True)[: MOST_MEMBERS + 1])


def orders_with_members(orders: QuerySet[Order]) -> QuerySet[Order]:
    """By a second statement: of a join, MySQL would read everybody's orders and sort them."""
    return orders.prefetch_related("customer")
