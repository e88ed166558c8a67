"""The service's settings on Django's own engine and without the router, to compare with."""

from drf_oms.settings import *  # noqa: F403 - it is those
from drf_oms.settings import DATABASES, MIDDLEWARE

DATABASE_ROUTERS: list[str] = []
MIDDLEWARE.remove("routers.middleware.RoutingMiddleware")
for database in DATABASES.values():
    database["ENGINE"] = "django.db.backends.mysql"
