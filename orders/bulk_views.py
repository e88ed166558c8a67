"""Many orders at once over HTTP: as files."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.contrib.auth import get_permission_codename, get_user_model
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders import selectors
from orders.actors import placing_actor
from orders.exporting import csv_of
from orders.filters import OrderFilter
from orders.imports.importing import MODES, import_orders
from orders.imports.report import CREATED, EXISTING, FAILED
from orders.imports.uploads import CSVParser, JSONLinesParser, NDJSONParser, Upload
from orders.models import Order
from orders.openapi import refusals
from orders.permissions import IMPORT, staff_may
from orders.views import OrderViewSet

PARTS_OF_A_LIST = ("limit", "offset", "page", "cursor", "ordering")


class WhateverIsAccepted(DefaultContentNegotiation):
    """The path says what is answered; an error is JSON."""

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: Any = None) -> Any:
        renderer: BaseRenderer = next(iter(renderers))
        return renderer, renderer.media_type


class ExportQuerySerializer(serializers.Serializer[Any]):
    """What an export is asked for, besides the filters."""

    bom = serializers.BooleanField(default=False, help_text="Begin with a byte order mark, for Excel.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        sentence = _("An export is always whole, newest first; leave this out.")
        if parts := {name: [sentence] for name in PARTS_OF_A_LIST if name in self.initial_data}:
            raise ValidationError(parts)
        return attrs


class ExportView(GenericAPIView[Order]):
    """What the list's filters select, as a file."""

    queryset = Order.objects.none()  # tells the schema the model
    filterset_class = OrderFilter
    filter_backends = (DjangoFilterBackend, SearchFilter)
    search_fields = OrderViewSet.search_fields
    content_negotiation_class = WhateverIsAccepted

    def get_queryset(self) -> Any:
        return selectors.orders_visible_to(self.request.user)

    @extend_schema(
        operation_id="orders_export",
        filters=True,
        parameters=[ExportQuerySerializer],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse | StreamingHttpResponse:
        """Own orders, all for staff that may view them, as CSV, newest first.

        The answer is streamed. One that ends without its last chunk is not whole.
        """
        asked = ExportQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        lines = csv_of(
            self.filter_queryset(self.get_queryset()),
            emails=staff_may(request.user, view_permission_of_members()),
            bom=asked.validated_data["bom"],
        )
        first = next(lines)  # before the status is sent: what fails here is an error, not half a file
        answer: HttpResponse | StreamingHttpResponse = (
            HttpResponse() if request.method == "HEAD" else StreamingHttpResponse(chain([first], lines))
        )
        answer["Content-Type"] = "text/csv; charset=utf-8"
        answer["Content-Disposition"] = 'attachment; filename="orders.csv"'
        answer["Cache-Control"] = "private, no-store"
        return answer


class MayImport(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return staff_may(request.user, IMPORT)


class ImportQuerySerializer(serializers.Serializer[Any]):
    """How a file is imported."""

    mode = serializers.ChoiceField(
        choices=MODES,
        default="all",
        help_text="all: every row or, where any is bad, nothing. best: the good ones.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Check it, and write nothing.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one row; in a CSV file the header is row 1."""

    row = serializers.IntegerField()
    external_reference = serializers.CharField(allow_null=True)
    result = serializers.ChoiceField(choices=[CREATED, EXISTING, FAILED])
    order_number = serializers.CharField(required=False)
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)  # type: ignore[assignment]  # a field's name


class ReportSerializer(serializers.Serializer[Any]):
    """What became of each row."""

    created = serializers.IntegerField()
    existing = serializers.IntegerField()
    failed = serializers.IntegerField()
    rows = OutcomeSerializer(many=True)


class ImportView(APIView):
    """Orders of the past, out of a file."""

    permission_classes = (IsAuthenticated, MayImport)
    parser_classes = (CSVParser, NDJSONParser, JSONLinesParser)

    @extend_schema(
        operation_id="orders_import",
        parameters=[ImportQuerySerializer],
        request={parser.media_type: OpenApiTypes.STR for parser in parser_classes},
        responses={200: ReportSerializer, **refusals(403)},
    )
    def post(self, request: Request) -> Response:
        """For staff that may import orders. 400: nothing was written, and `rows` says why.

        A row's `external_reference` says which order it is: sending a file twice imports it once, so
        that an Idempotency-Key is not needed, and not heeded.
        """
        asked = ImportQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        upload = request.data
        if not isinstance(upload, Upload):  # no parser is asked about an empty body
            raise ValidationError({"file": [_("The body is empty; send a file, with its Content-Length.")]})
        with upload.file:
            report = import_orders(
                upload.file,
                file_format=upload.file_format,
                actor=placing_actor(request, IMPORT),
                **asked.validated_data,
            )
        status_code = status.HTTP_400_BAD_REQUEST if report.refused else status.HTTP_200_OK
        return Response(report.data(), status=status_code)


def view_permission_of_members() -> str:
    meta = get_user_model()._meta
    return f"{meta.app_label}.{get_permission_codename('view', meta)}"
