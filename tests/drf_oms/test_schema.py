"""GET /schema/ and /docs/"""

import re

import pytest
from django.contrib.staticfiles import finders


@pytest.fixture
def schema(anonymous):
    return anonymous.get("/schema/").json()


def test_the_schema_is_openapi_3_1_and_names_every_route(schema):
    assert schema["openapi"].startswith("3.1")
    assert set(schema["paths"]) == {
        "/accounts/users/",
        "/accounts/users/{id}/",
        "/auth/login/",
        "/auth/logout/",
        "/auth/logoutall/",
        "/orders/",
        "/orders/{reference}/",
    }


def test_the_schema_says_how_to_authenticate(schema):
    assert schema["components"]["securitySchemes"]["token"]["in"] == "header"
    assert schema["paths"]["/accounts/users/"]["post"]["security"] == [{}]


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_needs_no_external_host(anonymous, path):
    page = anonymous.get(path).content.decode()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    for url in loaded:
        assert url.startswith("/static/"), url
        assert finders.find(url.removeprefix("/static/")), url
