"""What every benchmark begins with: a directory of its own, and Django set up in it."""

import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django


@contextmanager
def benchmark(settings_module: str = "drf_oms.settings", **environment: str) -> Iterator[Path]:
    """A directory for logs and position stores, as long as it is needed; SIGTERM ends it in good order."""
    warnings.filterwarnings("ignore", message="No directory at")  # static files, which nobody asks for
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="drf-oms-bench-") as state:
        here = {"DJANGO_SETTINGS_MODULE": settings_module, "CACHE_FILE": str(Path(state) / "cache")}
        os.environ |= here | environment
        django.setup()
        yield Path(state)
