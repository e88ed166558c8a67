"""Safe retries: one `Idempotency-Key` of a caller runs a POST once, and is answered alike each time.

The key's row is inserted first, in the transaction of what is to be done. So whoever comes second
with the key waits at the unique index until the first has ended: it then finds the answer, or, where
the first failed and left nothing, runs in its place. Longer than the lock wait timeout nobody waits.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from orders.errors import KeyReused, StillRunning
from orders.models import IdempotencyKey
from orders.transactions import LOCK_WAIT_TIMEOUT, code_of, refusable, retried, violated_key

KEPT = timedelta(hours=24)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
KEPT_HEADERS = ("ETag", "Location")

Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Callable[..., HttpResponse]:
    """A POST handler of a view that heeds the caller's key.

    Answers 2xx are kept; an error leaves nothing behind, so that it may be mended and sent again.
    """

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        key = key_of(request)
        if key is None:
            return handler(view, request, *args, **kwargs)
        return once(request, key, lambda: handler(view, request, *args, **kwargs))

    return handle


def key_of(request: Request) -> str | None:
    """The caller's key, with or without quotes (a structured header's string has them)."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    key = key.strip().removeprefix('"').removesuffix('"')
    if not KEY.fullmatch(key):
        raise ValidationError({HEADER: [_("1 to 255 visible ASCII characters are expected.")]})
    return key


@retried
def once(request: Request, key: str, run: Callable[[], Response]) -> HttpResponse:
    """The kept answer, or that of `run`. Raises `KeyReused`, `StillRunning` and what `run` raises."""
    fingerprint = fingerprint_of(request)
    row, is_new = claim(request.user, key, fingerprint)
    if not is_new:
        if row.fingerprint != fingerprint:
            raise KeyReused
        return replay(row)
    response = run()
    body = b"" if response.data is None else render(request, response)
    keep(row, response, body)
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    return answer_of(body, response.status_code, headers)


def claim(caller: Any, key: str, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it is ours: inserted now, to be seen by others when we commit."""
    for _attempt in range(2):
        try:
            with refusable():
                return IdempotencyKey.objects.create(caller=caller, key=key, fingerprint=fingerprint), True
        except IntegrityError as error:
            if violated_key(error) is None:
                raise
        except OperationalError as error:
            if code_of(error) == LOCK_WAIT_TIMEOUT:
                raise StillRunning from error
            raise
        # Not locked: each that was refused as a duplicate holds a shared lock on it already.
        existing = IdempotencyKey.objects.filter(caller=caller, key=key).first()
        if existing is not None and existing.created_at > timezone.now() - KEPT:
            return existing, False
        if existing is not None:
            existing.delete()  # too old to count: the key is free again
    raise StillRunning


def keep(row: IdempotencyKey, response: Response, body: bytes) -> None:
    row.status_code = response.status_code
    row.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    row.body = body
    order_id = response.data.get("id") if isinstance(response.data, dict) else None
    row.order_id = order_id
    row.save(update_fields=["status_code", "headers", "body", "order"])


def render(request: Request, response: Response) -> bytes:
    body: bytes = request.accepted_renderer.render(response.data)  # type: ignore[assignment]  # ours makes bytes
    return body


def replay(row: IdempotencyKey) -> HttpResponse:
    return answer_of(bytes(row.body), row.status_code, {**row.headers, REPLAYED: "true"})


def answer_of(body: bytes, status_code: int | None, headers: dict[str, str]) -> HttpResponse:
    """What was rendered once, for the row, is what is sent."""
    return HttpResponse(body, status=status_code, content_type="application/json", headers=headers)


def fingerprint_of(request: Request) -> str:
    """SHA-256 of method, path and body: of the body as it was understood, not as it was spaced."""
    asked = [request.method, request.path.rstrip("/"), request.data]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def delete_expired() -> int:
    """Delete the keys that no longer count; how many."""
    return IdempotencyKey.objects.filter(created_at__lte=timezone.now() - KEPT).delete()[0]
