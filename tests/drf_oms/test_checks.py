"""Production refuses to start on unsafe settings."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings

from drf_oms import checks


def ids(found):
    return [message.id for message in found]


@pytest.mark.parametrize("key", ["", "short", "x" * 60, "django-insecure-" + "abcdefg" * 10])
def test_e001_a_weak_secret_key(settings, key):
    settings.SECRET_KEY = key or "unset"

    assert ids(checks.check_secret_key(None)) == ["drf_oms.E001"]


@pytest.mark.parametrize(
    ("url", "secure", "found"),
    [
        ("http://shop.example.com", False, ["drf_oms.W005"]),
        ("https://shop.example.com", True, []),
        ("http://localhost:8080", False, []),
    ],
)
def test_w005_staff_without_https(settings, url, secure, found):
    settings.PUBLIC_URL, settings.SESSION_COOKIE_SECURE = url, secure

    assert ids(checks.check_cookies(None)) == found


@pytest.mark.parametrize("hosts", [[], ["*"], ["a.example", "*"]])
def test_e002_any_host(settings, hosts):
    settings.ALLOWED_HOSTS = hosts

    assert ids(checks.check_allowed_hosts(None)) == ["drf_oms.E002"]


def test_e003_root(monkeypatch):
    databases = {"default": {"USER": "oms_app"}, "replica2": {"USER": "root"}}
    monkeypatch.setattr(checks, "settings", SimpleNamespace(DEBUG=False, DATABASES=databases))

    (found,) = checks.check_database_users(None)

    assert found.id == "drf_oms.E003"
    assert "replica2" in found.msg


def test_safe_settings_pass(settings):
    assert ids(checks.check_secret_key(None) + checks.check_allowed_hosts(None)) == []


@pytest.mark.parametrize(
    ("unsafe", "said"),
    [
        ({"SECRET_KEY": "short"}, "drf_oms.E001"),
        ({"ALLOWED_HOSTS": "*"}, "drf_oms.E002"),
        ({"DATABASE_URL": "mysql://root:x@127.0.0.1/oms"}, "drf_oms.E003"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
    ],
)
def test_the_wsgi_application_does_not_load(unsafe, said):
    environment = {**os.environ, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "drf_oms.settings", **unsafe}
    environment = {name: value for name, value in environment.items() if value is not None}

    ran = subprocess.run(
        [sys.executable, "-c", "import drf_oms.wsgi"],
        env=environment,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode != 0
    assert said in ran.stderr
