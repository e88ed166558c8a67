"""The composition as an app, so that its system checks are found."""

from django.apps import AppConfig


class CompositionConfig(AppConfig):
    name = "drf_oms"

    def ready(self) -> None:
        from drf_oms import checks  # noqa: F401, PLC0415 - registering needs the app registry
