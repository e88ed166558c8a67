"""/healthz and /readyz"""

import pytest
from django.db import connections

ANY_HOST = "10.0.0.7:8080"


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_liveness_needs_no_database_and_no_known_host(anonymous, path):
    """Without the django_db mark, a test that touches a database fails."""
    answer = anonymous.get(path, HTTP_HOST=ANY_HOST)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(databases="__all__")
def test_readiness_names_each_node(anonymous):
    """In this process the replicas' aliases lead to the primary, and readiness says so."""
    answer = anonymous.get("/readyz", HTTP_HOST=ANY_HOST)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "nodes": {
            "default": {"status": "ok", "role": "primary"},
            "replica1": {"status": "is a primary", "role": "primary"},
            "replica2": {"status": "is a primary", "role": "primary"},
        },
    }


@pytest.mark.django_db(databases="__all__")
def test_readiness_is_503_without_the_primary(anonymous, monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    connections["default"].close()

    answer = anonymous.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["nodes"]["default"]["status"] == "unreachable"
