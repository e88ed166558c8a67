"""How a line of the log looks, of Django's loggers and of gunicorn's: `LOG_FORMAT` is "line" or "json".

Nothing that a caller wrote is logged on purpose. Errors are the exception: MySQL quotes the value that it
refuses, and gunicorn the request that it cannot read. So whatever looks like an email, a token or a phone
number is blotted out of each line, as the last safeguard.
"""

import logging
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an email; the accounts of MySQL have quotes around the @
    r"|(?<=Token )\S+|\b[0-9a-f]{64}\b"  # credentials
    r"|(?<![\w.:-])(?:\+\d[\d -]{7,14}\d|0\d{1,2}[- ]?\d{3,4}[- ]?\d{4})(?!\w)",  # a phone number
    re.ASCII,
)
BLOT = "***"
NO_REQUEST = "-"
LINE = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
FIELDS = ["levelname", "name", "process", "request_id", "message"]


def blot(text: str) -> str:
    return PERSONAL.sub(BLOT, text)


class Line(logging.Formatter):
    """For people: time, level, logger, request id, message."""

    def __init__(self) -> None:
        super().__init__(LINE, defaults={"request_id": NO_REQUEST})

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = blot(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return blot(super().formatException(ei))


class Json(JsonFormatter):
    """For programs: one object a line; what a line says besides is in fields of its own."""

    def __init__(self) -> None:
        super().__init__(
            FIELDS,
            rename_fields={"levelname": "level", "name": "logger", "process": "pid", "exc_info": "error"},
            timestamp="time",
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Blots out sentences; the other fields are our own (numbers, routes, names of nodes)."""
        log_data["request_id"] = log_data.get("request_id") or NO_REQUEST
        for field in ("message", "error", "stack_info"):
            if isinstance(log_data.get(field), str):
                log_data[field] = blot(log_data[field])
        return super().process_log_record(log_data)


FORMATTERS = {"line": Line, "json": Json}


def known(log_format: str) -> str:
    """The name of a format; ValueError for another, before logging could fail in a less telling way."""
    if log_format not in FORMATTERS:
        raise ValueError(f"LOG_FORMAT is '{log_format}'. Set it to one of: {', '.join(FORMATTERS)}.")
    return log_format
