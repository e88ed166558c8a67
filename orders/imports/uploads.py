"""The body of an import: copied to a file, never held whole in memory."""

from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from orders.errors import ImportTooLarge

PIECE = 64 * 1024  # bytes


class Upload(NamedTuple):
    file: BinaryIO
    file_format: str


class UploadParser(BaseParser):
    """Reads at most `settings.IMPORT_BODY_LIMIT` bytes. Raises `ImportTooLarge`."""

    file_format: str

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        request = parser_context["request"]
        charset = request._request.content_params.get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "")
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.IMPORT_BODY_LIMIT:
            raise ImportTooLarge(limit=settings.IMPORT_BODY_LIMIT)
        return Upload(copied(stream), self.file_format)


class CSVParser(UploadParser):
    media_type, file_format = "text/csv", "csv"


class NDJSONParser(UploadParser):
    media_type, file_format = "application/x-ndjson", "jsonl"


class JSONLinesParser(UploadParser):
    media_type, file_format = "application/jsonl", "jsonl"


def copied(stream: Any) -> BinaryIO:
    """The stream's content as a file without a name: it is gone when it is closed."""
    file, size = cast(BinaryIO, TemporaryFile()), 0  # noqa: SIM115 - the view closes it
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > settings.IMPORT_BODY_LIMIT:
            file.close()
            raise ImportTooLarge(limit=settings.IMPORT_BODY_LIMIT)
        file.write(piece)
    file.seek(0)
    return file
