"""The router as a Django app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class RoutersConfig(AppConfig):
    name = "routers"

    def ready(self) -> None:
        from routers import checks, connections, node_checks, replicated  # noqa: F401, PLC0415 - need settings

        replicated.install_defaults()
        connection_created.connect(connections.register, dispatch_uid="routers.connections")
