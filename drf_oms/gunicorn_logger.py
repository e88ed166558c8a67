"""gunicorn's own log in the service's format, and its access log: one line per request.

Django's settings are not imported here: the master process would keep them, and a reload change nothing.
"""

import logging
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from drf_oms.log_formats import FORMATTERS

log_format = "line"  # set by drf_oms.gunicorn
INSTEAD = {
    "Invalid request from ip=": "a request cannot be read",
    "Error handling request": "a request failed",
}
LINE = "%(method)s %(route)s %(status)s %(bytes)s bytes %(duration_ms)s ms member=%(member)s db=%(nodes)s"


class ServiceLogger(Logger):
    """gunicorn's logger without what callers wrote."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(FORMATTERS[log_format]())
        if without_callers_words not in self.error_log.filters:
            self.error_log.addFilter(without_callers_words)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """`{method, route, status, duration_ms, member, nodes, bytes}`, when the last byte has been sent."""
        facts = environ.get("drf_oms.access")  # drf_oms.access; None where gunicorn answered by itself
        fields = {
            "method": environ.get("REQUEST_METHOD"),
            "route": getattr(facts, "route", "unmatched"),
            "status": int(str(resp.status).split(maxsplit=1)[0]),
            "duration_ms": round(request_time.total_seconds() * 1000, 1),
            "member": getattr(facts, "member", None),
            "nodes": getattr(facts, "nodes", []),
            "bytes": getattr(resp, "sent", None),
        }
        extra = {"request_id": getattr(facts, "request_id", "-")}
        if log_format == "json":
            self.access_log.info("%(method)s %(route)s %(status)s", fields, extra=extra | fields)
        else:
            nodes = ",".join(getattr(facts, "nodes", []))
            self.access_log.info(LINE, fields | {"nodes": nodes}, extra=extra)


def without_callers_words(record: logging.LogRecord) -> bool:
    """Of a request that cannot be read, or whose answer failed, no address, header, path or query."""
    message = record.getMessage()
    for known, instead in INSTEAD.items():
        if message.startswith(known):
            record.msg, record.args = instead, None
    return True
