"""/healthz and /readyz"""

import math

import pytest

from routers import testing

ANY_HOST = "10.0.0.7:8080"


@pytest.fixture
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_liveness_needs_no_database_and_no_known_host(anonymous, path):
    """Without the django_db mark, a test that touches a database fails."""
    answer = anonymous.get(path, HTTP_HOST=ANY_HOST)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readiness_names_each_node(anonymous, twin):
    answer = anonymous.get("/readyz", HTTP_HOST=ANY_HOST)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "nodes": {
            "default": {"status": "ok", "role": "primary"},
            "replica1": {"status": "ok", "role": "replica", "lag_ms": 0},
            "replica2": {"status": "ok", "role": "replica", "lag_ms": 0},
        },
    }


def test_readiness_says_what_is_known_of_a_replica_that_was_cut_off_long_ago(anonymous, twin):
    twin.nodes["replica1"].lag = math.inf
    twin.nodes["replica1"].take_out("lagging")

    answer = anonymous.get("/readyz", HTTP_HOST=ANY_HOST)

    assert answer.status_code == 200
    assert answer.json()["nodes"]["replica1"] == {"status": "lagging", "role": "replica", "lag_ms": None}


@pytest.mark.parametrize(
    ("out", "status", "code"),
    [
        (["replica1"], "degraded", 200),
        (["default"], "read only", 200),
        (["default", "replica1"], "read only", 200),
        (["default", "replica1", "replica2"], "unavailable", 503),
    ],
)
def test_readiness_says_what_is_possible(anonymous, twin, out, status, code):
    for alias in out:
        twin.nodes[alias].take_out("unreachable")

    answer = anonymous.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (code, status)
    assert {answer.json()["nodes"][alias]["status"] for alias in out} == {"unreachable"}
