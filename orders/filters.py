"""What a list of orders can be narrowed by."""

import django_filters
from django import forms

from orders.models import Order


class IntegerFilter(django_filters.Filter):
    field_class = forms.IntegerField


class OrderFilter(django_filters.FilterSet):
    customer = IntegerFilter(field_name="customer_id", min_value=1, help_text="A member's id.")

    class Meta:
        model = Order
        fields = ("customer", "product_name")
