"""Every error as JSON: DRF's shape, and the one place where domain errors become HTTP."""

import logging
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler
from rest_framework.views import set_rollback

from accounts.errors import (
    EmailTaken,
    EmailVerifiedAlready,
    LoginRefused,
    MemberErased,
    ResetLinkDead,
    TooManyFailures,
    VerificationLinkDead,
    WrongPassword,
)
from drf_oms.request_id import current_request_id
from orders import errors as orders

log = logging.getLogger(__name__)

DOMAIN_ERRORS: dict[type[Exception], tuple[int, str]] = {
    EmailTaken: (status.HTTP_400_BAD_REQUEST, "email"),
    EmailVerifiedAlready: (status.HTTP_409_CONFLICT, "email"),
    LoginRefused: (status.HTTP_400_BAD_REQUEST, "non_field_errors"),
    MemberErased: (status.HTTP_409_CONFLICT, "erased_at"),
    ResetLinkDead: (status.HTTP_400_BAD_REQUEST, "token"),
    VerificationLinkDead: (status.HTTP_400_BAD_REQUEST, "token"),
    WrongPassword: (status.HTTP_400_BAD_REQUEST, "current_password"),
    orders.OrderNumberTaken: (status.HTTP_409_CONFLICT, "order_number"),
    orders.ExternalReferenceTaken: (status.HTTP_409_CONFLICT, "external_reference"),
    orders.NotYours: (status.HTTP_403_FORBIDDEN, "detail"),
    orders.OnlyStaff: (status.HTTP_403_FORBIDDEN, "detail"),
    orders.TransitionRefused: (status.HTTP_409_CONFLICT, "detail"),
    orders.FieldSettled: (status.HTTP_409_CONFLICT, "detail"),
    orders.NoSuchLine: (status.HTTP_400_BAD_REQUEST, "lines"),
    orders.NotThatMany: (status.HTTP_409_CONFLICT, "lines"),
    orders.NotPaid: (status.HTTP_409_CONFLICT, "detail"),
    orders.RefundTooLarge: (status.HTTP_409_CONFLICT, "amount"),
    orders.WrongPlaces: (status.HTTP_400_BAD_REQUEST, "amount"),
    orders.AmountTooLarge: (status.HTTP_400_BAD_REQUEST, "lines"),
    orders.OrderChanged: (status.HTTP_412_PRECONDITION_FAILED, "detail"),
    orders.KeyReused: (status.HTTP_422_UNPROCESSABLE_ENTITY, "detail"),
    orders.StillRunning: (status.HTTP_409_CONFLICT, "detail"),
    orders.ImportTooLarge: (status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "detail"),
    orders.TooBusy: (status.HTTP_503_SERVICE_UNAVAILABLE, "detail"),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer `{field: [sentence]}` for a domain error, `{"detail": sentence}` where no field is meant;
    DRF's own answer for the rest.
    """
    if isinstance(error, TooManyFailures):
        error = Throttled(error.wait)  # with Retry-After
    elif isinstance(error, Http404):
        error = NotFound(_("There is nothing here that you may see."))  # Django's own is English only
    known = DOMAIN_ERRORS.get(type(error))
    if known is None:
        return drf_exception_handler(error, context)
    status_code, field = known
    field = getattr(error, "field", field)
    set_rollback()
    body = {field: str(error) if field == "detail" else [str(error)]}
    if allowed := getattr(error, "facts", {}).get("allowed"):
        body["allowed"] = allowed
    retry_after = getattr(error, "retry_after", None)
    return Response(
        body, status=status_code, headers={"Retry-After": str(retry_after)} if retry_after else None
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return detail(_("The request cannot be understood."), 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return detail(_("There is nothing at this path; GET /schema/ lists what there is."), 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return detail(_("The server failed; report the request id."), 500)


def detail(sentence: str, status_code: int) -> HttpResponse:
    body = {"detail": sentence, "request_id": current_request_id.get()}
    return JsonResponse(body, status=status_code)
