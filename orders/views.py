"""Orders over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from orders import selectors, services
from orders.filters import OrderFilter
from orders.models import Order
from orders.serializers import OrderSerializer, PlaceOrderSerializer


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Order]):
    """The caller's orders, newest first; all orders for staff."""

    queryset = Order.objects.none()  # tells the schema the model
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    search_fields = ("customer__name", "customer__email", "searchable_number", "product_name")
    ordering_fields = ("id", "placed_at")
    lookup_url_kwarg = "reference"

    def get_queryset(self) -> QuerySet[Order]:
        return selectors.orders_visible_to(self.request.user)

    def get_object(self) -> Order:
        return get_object_or_404(self.get_queryset(), **selectors.by_reference(self.kwargs["reference"]))

    @extend_schema(request=PlaceOrderSerializer, responses={201: OrderSerializer})
    def create(self, request: Request) -> Response:
        sent = PlaceOrderSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        order: dict[str, Any] = sent.validated_data
        customer = order.pop("customer", None) or request.user
        placed = services.place_order(customer=customer, **order)
        return Response(OrderSerializer(placed).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, reference: str) -> Response:
        order = self.get_object()
        sent = OrderSerializer(order, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        return Response(OrderSerializer(services.change_order(order=order, **sent.validated_data)).data)
