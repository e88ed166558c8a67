"""Settings of in-process tests.

A replica's alias is a second connection to the primary's test database: such tests claim which
alias a statement goes to, never how fresh its answer is. Freshness is claimed in
`tests/replication/`, on real replicas.
"""

import tempfile
from pathlib import Path

from drf_oms.settings import *  # noqa: F403
from drf_oms.settings import CACHES, DATABASES, REST_FRAMEWORK, ROUTERS

for alias in ROUTERS["REPLICAS"]:
    DATABASES[alias] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}

STATE_DIR = Path(tempfile.mkdtemp(prefix="drf-oms-tests-"))
for cache in CACHES.values():
    cache["LOCATION"] = str(STATE_DIR / "cache.sqlite3")
STATIC_ROOT = STATE_DIR / "static"
STATIC_ROOT.mkdir()

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nothing here is secret
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000/min")
ROUTERS |= {"EXPOSE_DATABASE_HEADER": True, "PROBE_SECONDS": 0}  # all nodes count as healthy
