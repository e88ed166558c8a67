"""Figures over orders, over HTTP."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders import buckets, selectors
from orders.lifecycle import Status
from orders.moments import MomentField, start_of
from orders.stats import stats_of
from routers.levels import bounded, consistency

DEFAULT_DAYS = 30
SECONDS_BEHIND = 60  # a sum over weeks is none the worse for it, and the primary is spared


class StatsQuerySerializer(serializers.Serializer[Any]):
    """The window: from `from` on and before `to`; the last 30 days unless it is said."""

    by = serializers.ChoiceField(choices=list(buckets.LENGTHS), default="day")
    customer = serializers.IntegerField(min_value=1, required=False, help_text="A member's id.")
    to = MomentField(required=False, help_text="Now, when it is left out.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own."""
        help_text = f"{DEFAULT_DAYS} days with that of `to`, when it is left out."
        return {**super().get_fields(), "from": MomentField(required=False, help_text=help_text)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end: datetime = attrs.setdefault("to", timezone.now())
        first = timezone.localdate(end) - timedelta(days=DEFAULT_DAYS - 1)
        start: datetime = attrs.setdefault("from", start_of(first))
        if start >= end:
            named = "to" if "to" in self.initial_data else "from"
            raise serializers.ValidationError({named: [_("The window ends before it begins.")]})
        try:
            attrs["buckets"] = buckets.buckets(start, end, attrs["by"])
        except buckets.TooManyBuckets as error:
            sentence = _("More than %(most)d buckets: ask for a shorter window, or by week or month.")
            raise serializers.ValidationError({"from": [sentence % {"most": buckets.MOST}]}) from error
        return attrs


class BucketSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="Its first, by the calendar; the window may cut it.")
    orders = serializers.IntegerField()
    revenue = serializers.DictField(child=serializers.CharField())


class ProductSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    """Revenue is what was paid and not given back, by currency."""

    to = MomentField()
    by = serializers.CharField()
    time_zone = serializers.CharField()
    orders = serializers.IntegerField()
    revenue = serializers.DictField(child=serializers.CharField(), help_text='Such as {"KRW": "12000"}.')
    by_status = serializers.DictField(child=serializers.IntegerField())
    buckets = BucketSerializer(many=True)
    top_products = ProductSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": MomentField(), **super().get_fields()}


EXAMPLE = OpenApiExample(
    "Two weeks",
    response_only=True,
    value={
        "from": "2026-01-05T00:00:00+09:00",
        "to": "2026-01-19T00:00:00+09:00",
        "by": "week",
        "time_zone": "Asia/Seoul",
        "orders": 2,
        "revenue": {"KRW": "12000"},
        "by_status": {status.value: int(status in (Status.PAID, Status.SHIPPED)) for status in Status},
        "buckets": [
            {"day": "2026-01-05", "orders": 0, "revenue": {"KRW": "0"}},
            {"day": "2026-01-12", "orders": 2, "revenue": {"KRW": "12000"}},
        ],
        "top_products": [{"name": "머그컵", "sku": "MUG-1", "quantity": 3}],
    },
)


class StatsView(APIView):
    """How many orders, and for how much: the caller's own; of everybody, or one `customer`, for staff."""

    @extend_schema(parameters=[StatsQuerySerializer], responses=StatsSerializer, examples=[EXAMPLE])
    @consistency(bounded(SECONDS_BEHIND))
    def get(self, request: Request) -> Response:
        asked = StatsQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        query = asked.validated_data
        orders = selectors.orders_visible_to(request.user)
        if "customer" in query:
            orders = selectors.orders_of(query["customer"], among=orders)
        window = {"from": query["from"], "to": query["to"], "by": query["by"]}
        figures = stats_of(orders, query["buckets"], query["to"])
        zone = timezone.get_default_timezone_name()
        return Response(StatsSerializer({**window, "time_zone": zone, **figures}).data)
