"""Every error as JSON: DRF's shape, and the one place where domain errors become HTTP."""

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler
from rest_framework.views import set_rollback

from accounts.errors import EmailTaken
from drf_oms.request_id import current_request_id
from orders.errors import OrderNumberTaken

log = logging.getLogger(__name__)

DOMAIN_ERRORS: dict[type[Exception], tuple[int, str]] = {
    EmailTaken: (status.HTTP_400_BAD_REQUEST, "email"),
    OrderNumberTaken: (status.HTTP_409_CONFLICT, "order_number"),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer `{field: [sentence]}` for a domain error, DRF's own answer for the rest."""
    known = DOMAIN_ERRORS.get(type(error))
    if known is None:
        return drf_exception_handler(error, context)
    status_code, field = known
    set_rollback()
    return Response({field: [str(error)]}, status=status_code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return detail("The request cannot be understood.", 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return detail("There is nothing at this path; GET /schema/ lists what there is.", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return detail("The server failed; report the request id.", 500)


def detail(sentence: str, status_code: int) -> HttpResponse:
    body = {"detail": sentence, "request_id": current_request_id.get()}
    return JsonResponse(body, status=status_code)
