"""Orders over HTTP."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from orders import selectors, services
from orders.actors import actor_on, placing_actor
from orders.errors import OnlyStaff
from orders.etags import etag_of_page, if_match_of, unchanged
from orders.filters import OrderFilter
from orders.idempotency import idempotent
from orders.lifecycle import Action, Role
from orders.models import Order, OrderEvent
from orders.openapi import IF_MATCH, IF_NONE_MATCH, KEY, refusals
from orders.permissions import ADD, REFUND
from orders.placing import place_order
from orders.serializers import (
    ChangeOrderSerializer,
    EventSerializer,
    NoteSerializer,
    OrderDetailSerializer,
    OrderSerializer,
    PlaceOrderSerializer,
    PlaceRefundSerializer,
    ReasonSerializer,
    ShipSerializer,
    TakeSerializer,
)

OF_CHANGES = (403, 409, 412, 422)
MADE = {201: OrderDetailSerializer, **refusals(*OF_CHANGES)}


class OrderViewSet(mixins.ListModelMixin, GenericViewSet[Order]):
    """The caller's orders, newest first; all orders for staff."""

    queryset = Order.objects.none()  # tells the schema the model
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    search_fields = ("customer__name", "customer__email", "searchable_number", "product_name")
    ordering_fields = ("id", "placed_at", "total", "updated_at")
    lookup_url_kwarg = "reference"

    def get_queryset(self) -> QuerySet[Order]:
        return selectors.orders_visible_to(self.request.user)

    def get_object(self) -> Order:
        return get_object_or_404(self.get_queryset(), **selectors.by_reference(self.kwargs["reference"]))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]  # 304
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        shown = self.get_paginated_response([order.etag for order in page])
        etag = etag_of_page(shown.data)
        if answered := unchanged(request, etag):
            return answered
        shown.data["results"] = self.get_serializer(page, many=True).data
        shown["ETag"] = etag
        return shown

    @extend_schema(
        parameters=[IF_NONE_MATCH], responses={200: OrderDetailSerializer, 304: None, **refusals(412)}
    )
    def retrieve(self, request: Request, reference: str) -> HttpResponse:
        order = self.get_object()
        return unchanged(request, order.etag) or answer(order)

    @extend_schema(
        parameters=[KEY],
        request=PlaceOrderSerializer,
        responses={201: OrderDetailSerializer, 200: OrderDetailSerializer, **refusals(403, 409, 422)},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        sent = PlaceOrderSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        content: dict[str, Any] = sent.validated_data
        customer = content.pop("customer", None) or request.user
        order, is_new = place_order(actor=placing_actor(request, ADD), customer=customer, **content)
        shown = answer(order, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        shown["Location"] = f"/orders/{order.order_number}"
        return shown

    @extend_schema(
        parameters=[IF_MATCH],
        request=ChangeOrderSerializer,
        responses={200: OrderDetailSerializer, **refusals(403, 409, 412)},
    )
    def partial_update(self, request: Request, reference: str) -> Response:
        order = self.get_object()
        sent = ChangeOrderSerializer(
            order, data=request.data, partial=True, context=self.get_serializer_context()
        )
        sent.is_valid(raise_exception=True)
        return answer(
            services.change_order(
                order=order,
                actor=actor_on(order, request),
                if_match=if_match_of(request),
                **sent.validated_data,
            )
        )

    @extend_schema(parameters=[KEY, IF_MATCH], request=PlaceRefundSerializer, responses=MADE)
    @idempotent
    def refund(self, request: Request, reference: str) -> Response:
        """Record that money was given back."""
        order, sent = self.get_object(), self._sent(PlaceRefundSerializer)
        actor = actor_on(order, request, REFUND)
        if actor.role != Role.STAFF:
            raise OnlyStaff
        order = services.refund_order(order=order, actor=actor, if_match=if_match_of(request), **sent)
        return answer(order, status.HTTP_201_CREATED)

    @extend_schema(parameters=[KEY, IF_MATCH], request=NoteSerializer, responses=MADE)
    @idempotent
    def note(self, request: Request, reference: str) -> Response:
        """Write a note to the order; it is among its events."""
        order, sent = self.get_object(), self._sent(NoteSerializer)
        actor = actor_on(order, request)
        sent["audience"] = sent.get("audience", "internal") if actor.role == Role.STAFF else "customer"
        order = services.add_note(order=order, actor=actor, if_match=if_match_of(request), **sent)
        return answer(order, status.HTTP_201_CREATED)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method == "DELETE" and "reference" in self.kwargs:
            detail = _("Orders are not deleted; cancel it: POST /orders/{reference}/cancel.")
            raise MethodNotAllowed(request.method, detail=detail)
        return super().http_method_not_allowed(request, *args, **kwargs)

    def _sent(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        sent = serializer_class(data=self.request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        return sent.validated_data


def moving(action: Action, serializer_class: type[ReasonSerializer], sentence: str) -> Callable[..., Any]:
    """The POST handler of one action of the lifecycle."""

    @idempotent
    def handle(view: OrderViewSet, request: Request, reference: str) -> Response:
        order, sent = view.get_object(), view._sent(serializer_class)
        order = services.move_order(
            order=order,
            action=action,
            actor=actor_on(order, request),
            if_match=if_match_of(request),
            quantities=sent.pop("lines", None),
            details=sent,
        )
        return answer(order)

    handle.__name__, handle.__doc__ = action.name.lower(), sentence
    return extend_schema(
        parameters=[KEY, IF_MATCH],
        request=serializer_class,
        responses={200: OrderDetailSerializer, **refusals(*OF_CHANGES)},
    )(handle)


class OrderMovesViewSet(OrderViewSet):
    """The actions of the lifecycle, each a POST."""

    pay = moving(Action.PAY, ReasonSerializer, "Record that a pending order was paid.")
    prepare = moving(Action.PREPARE, ReasonSerializer, "Begin to put it together.")
    ship = moving(Action.SHIP, ShipSerializer, "It was handed to a carrier.")
    deliver = moving(Action.DELIVER, ReasonSerializer, "It has arrived.")
    cancel = moving(Action.CANCEL, TakeSerializer, "Cancel all that is left, or some of it.")
    return_ = moving(Action.RETURN, TakeSerializer, "It came back, or some of it.")


class EventViewSet(mixins.ListModelMixin, GenericViewSet[OrderEvent]):
    """What happened to an order, oldest first."""

    queryset = OrderEvent.objects.none()  # tells the schema the model
    serializer_class = EventSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[OrderEvent]:
        orders = selectors.orders_visible_to(self.request.user)
        order = get_object_or_404(orders, **selectors.by_reference(self.kwargs["reference"]))
        return selectors.events_visible_to(self.request.user, order)


def answer(order: Order, status_code: int = status.HTTP_200_OK) -> Response:
    """The order as it is now, and its ETag."""
    return Response(OrderDetailSerializer(order).data, status=status_code, headers={"ETag": order.etag})
