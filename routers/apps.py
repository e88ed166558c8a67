"""The router as a Django app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from routers import replicated
from routers.scope import record_answers


class RoutersConfig(AppConfig):
    name = "routers"

    def ready(self) -> None:
        replicated.install_defaults()
        connection_created.connect(record_answers, dispatch_uid="routers.record_answers")
