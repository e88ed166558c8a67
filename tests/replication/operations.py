"""`manage.py replication`, as an operator runs it beside a service."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.replication.cluster import ROOT, Service


@dataclass
class Ran:
    """`facts` is what `--json` printed."""

    code: int
    facts: dict[str, Any]
    errors: str
    said: str = ""


def replication(*words: str, service: Service | None = None, json_too: bool = True, **settings: str) -> Ran:
    """With the settings and the cache of the service, where one is given."""
    ran = run(*words, *(["--json"] if json_too else []), service=service, **settings)
    facts = json.loads(ran.stdout) if ran.stdout.startswith("{") else {}
    return Ran(ran.returncode, facts, ran.stderr, ran.stdout)


def run(*words: str, service: Service | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "drf_oms.settings",
        "DATABASE_URL": os.environ["SERVICE_DATABASE_URL"],
        **settings,
    }
    if service is not None:
        environment |= {"CACHE_FILE": str(service.state / "cache.sqlite3"), **service.settings, **settings}
    command = [sys.executable, "manage.py", "replication", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
