"""Members and their sessions."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import checks, schema  # noqa: F401, PLC0415 - register themselves
