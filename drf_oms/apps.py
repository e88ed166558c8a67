"""The composition as an app, so that its system checks are found."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CompositionConfig(AppConfig):
    name = "drf_oms"
    default = True

    def ready(self) -> None:
        from drf_oms import checks  # noqa: F401, PLC0415 - registering needs the app registry


class BackOfficeConfig(AdminConfig):
    """Django's admin with a site of our own."""

    default = False
    default_site = "drf_oms.backoffice.BackOffice"
