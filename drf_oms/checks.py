"""What must hold before the service may answer in production. A failed check stops the start."""

from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

KEY_COMMAND = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"


LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def looks_random(key: str) -> bool:
    """Django's own measure (check security.W009)."""
    return len(key) >= 50 and len(set(key)) >= 5 and not key.startswith("django-insecure-")


@register
def check_secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    key = settings.SECRET_KEY
    if settings.DEBUG or looks_random(key):
        return []
    return [
        Error(
            "SECRET_KEY is shorter than 50 characters or a placeholder.",
            hint=f"Set SECRET_KEY to what this prints: {KEY_COMMAND}",
            id="drf_oms.E001",
        )
    ]


@register
def check_allowed_hosts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or (settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "ALLOWED_HOSTS is empty or contains '*'.",
            hint="Set ALLOWED_HOSTS to the names the service is reached by, comma separated.",
            id="drf_oms.E002",
        )
    ]


@register
def check_database_users(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG:
        return []
    return [
        Error(
            f"The database '{alias}' is used as root.",
            hint="Use an account with only the rights that the service needs.",
            id="drf_oms.E003",
        )
        for alias, database in settings.DATABASES.items()
        if database["USER"] == "root"
    ]


@register
def check_metrics_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"METRICS_ALLOWED_ADDRESSES: '{address}' is neither an address nor a network.",
            hint="Separate them by commas, networks by their first address: 127.0.0.1,10.0.0.0/8",
            id="drf_oms.E004",
        )
        for address in settings.METRICS_ALLOWED_ADDRESSES
        if not is_network(address)
    ]


@register
def check_cookies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whoever listens on the way could take a session from a cookie that travels over plain HTTP."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if settings.DEBUG or settings.SESSION_COOKIE_SECURE or host in LOOPBACK:
        return []
    return [
        Warning(
            f"Staff log in at {settings.PUBLIC_URL}, without HTTPS: their cookies can be read on the way.",
            hint="Serve it over HTTPS, and let PUBLIC_URL begin with https://",
            id="drf_oms.W005",
        )
    ]


def is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
