"""GET /schema/ and /docs/"""

import re

import pytest
from django.contrib.staticfiles import finders

from tests.routes import routes


@pytest.fixture
def schema(anonymous):
    return anonymous.get("/schema/").json()


def test_the_schema_is_openapi_3_1_and_names_every_route(schema):
    assert schema["openapi"].startswith("3.1")
    described = {
        re.sub(r"\{\w+\}", "{}", path): {method.upper() for method in methods}
        for path, methods in schema["paths"].items()
    }
    assert described == {re.sub(r"\{\w+\}", "{}", path): methods for path, methods in routes().items()}


def test_the_schema_says_how_to_authenticate(schema):
    assert schema["components"]["securitySchemes"]["token"]["in"] == "header"
    assert schema["paths"]["/accounts/users/"]["post"]["security"] == [{}]


@pytest.mark.parametrize(("query", "language"), [("", "ko"), ("", "ja"), ("?lang=ja", "en")])
def test_the_schema_is_the_same_in_whatever_language_it_is_asked_for(anonymous, query, language):
    english = anonymous.get("/schema/")
    asked = anonymous.get(f"/schema/{query}", headers={"Accept-Language": language})

    assert asked.content == english.content
    assert asked.headers["Content-Language"] == "en"


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_needs_no_external_host(anonymous, path):
    page = anonymous.get(path).content.decode()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    for url in loaded:
        assert url.startswith("/static/"), url
        assert finders.find(url.removeprefix("/static/")), url
