"""The service's settings, but for probers: they look seldom, so that statements can be counted exactly."""

from drf_oms.settings import *  # noqa: F403 - it is those
from drf_oms.settings import ROUTERS

ROUTERS |= {"PROBE_SECONDS": 15, "EXPOSE_DATABASE_HEADER": True}
