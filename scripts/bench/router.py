"""`scripts/bench.sh router`: what the router costs."""

import os
import signal
import sys
import tempfile
from pathlib import Path

import django


def main() -> None:
    """The counting first: once the middleware runs here, so does a prober, with the same accounts."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="drf-oms-bench-") as state:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "drf_oms.settings", "CACHE_FILE": str(Path(state) / "cache")}
        django.setup()
        _report()


def _report() -> None:
    from scripts.bench import decisions, freshness, members, read_requests, statements  # noqa: PLC0415 - need Django

    decisions.report_db_for_read()
    statements.report()
    freshness.report()
    caller = members.new_caller()
    decisions.report_steps(caller, members.new_caller())
    read_requests.report(caller)


if __name__ == "__main__":
    main()
