"""JSON through orjson, which is strict where Python's module is not: UTF-8, NaN, lone surrogates."""

from typing import Any

import orjson
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder


class BodyTooLarge(APIException):
    """The request body is longer than the service accepts; send it in parts."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


class JSONParser(BaseParser):
    """Reads at most `settings.REQUEST_BODY_LIMIT` bytes of UTF-8 JSON."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read(settings.REQUEST_BODY_LIMIT + 1)
        if len(body) > settings.REQUEST_BODY_LIMIT:
            raise BodyTooLarge(
                _("The request body is larger than %(limit)s bytes.") % {"limit": settings.REQUEST_BODY_LIMIT}
            )
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not valid UTF-8 JSON: %(error)s") % {"error": error}) from error


class JSONRenderer(BaseRenderer):
    """Writes UTF-8 JSON, unescaped."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8 by definition (RFC 8259, section 8.1)

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=JSONEncoder().default, option=orjson.OPT_NON_STR_KEYS)
