"""The router as a Django app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class RoutersConfig(AppConfig):
    name = "routers"

    def ready(self) -> None:
        from routers import connections, replicated  # noqa: PLC0415 - they need the settings

        replicated.install_defaults()
        connection_created.connect(connections.register, dispatch_uid="routers.connections")
