"""The errors of the API as its OpenAPI description shows them: one shape, and an example of each."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

SCHEMA_NAME = "Error"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "`detail` is a sentence; any other member names a field and says what is wrong with it.",
    "properties": {
        "detail": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": True,
}

# By status: what it means, and an answer that the service really gives.
ERRORS: dict[int, tuple[str, dict[str, Any]]] = {
    400: (
        "Something that was sent cannot be; each member names it.",
        {"product_name": ["This field is required."]},
    ),
    401: (
        "No token, or one that is not (or no longer) valid.",
        {"detail": "Authentication credentials were not provided."},
    ),
    403: ("Not for this caller to do.", {"detail": "Your account has no permission for this."}),
    404: ("Nothing that the caller may see.", {"detail": "There is nothing here that you may see."}),
    406: (
        "Only JSON can be answered.",
        {"detail": "Could not satisfy the request Accept header."},
    ),
    409: (
        "Not as things are now.",
        {
            "detail": "This order is shipped: cancel is not possible now. Possible: deliver, return.",
            "allowed": ["deliver", "return"],
        },
    ),
    412: (
        "`If-Match` names another version.",
        {"detail": 'The order has changed since you read it; read it again. Its ETag is "7-3" now.'},
    ),
    413: ("The body is too large.", {"detail": "The request body is larger than 1048576 bytes."}),
    415: ("The body is of another kind.", {"detail": 'Unsupported media type "text/plain" in request.'}),
    422: (
        "The `Idempotency-Key` came with another request.",
        {"detail": "This key was used for another request; take a new one."},
    ),
    429: (
        "Too often; `Retry-After` says in how many seconds again.",
        {"detail": "Request was throttled. Expected available in 8 seconds."},
    ),
    503: (
        "Not possible at the moment; `Retry-After` says when to try again.",
        {"detail": "Too many changes at once; nothing was changed. Try again."},
    ),
}
UNAVAILABLE = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "No database can answer this now; try again later.",
}


KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="For safe retries: the same key and request are done once and answered alike for 24 hours.",
    pattern=r"^[!-~]{1,255}$",
    examples=[OpenApiExample("a UUID", "0f8fad5b-d9cb-469f-a165-70867728950e")],
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what was read: 412 when it has changed.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what is known: 304 if that is so still.",
)


def refusals(*codes: int) -> dict[int, None]:
    """For `extend_schema(responses=…)`: the errors that an operation answers besides those of every one."""
    return dict.fromkeys(codes)


def response_of(code: int) -> dict[str, Any]:
    """The OpenAPI response object of an error."""
    description, example = ERRORS[code]
    schema = {"$ref": f"#/components/schemas/{SCHEMA_NAME}"}
    content = {"application/json": {"schema": schema, "examples": {"example": {"value": example}}}}
    if code == 503:
        unavailable = {"schema": schema, "examples": {"example": {"value": UNAVAILABLE}}}
        content["application/problem+json"] = unavailable
    return {"description": description, "content": content}
