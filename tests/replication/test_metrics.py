"""One instance as monitors see it: all of its workers, and the nodes as these have found them."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.drf_oms.test_metrics import value
from tests.replication.cluster import REPLICAS, Service, wait_until
from tests.replication.roles import Roles


def scrape(service: Service) -> str:
    answer = requests.get(f"{service.url}/metrics", timeout=10)
    assert answer.status_code == 200
    return answer.text


def test_one_scrape_shows_all_workers(service, new_email):
    """Requests that no other test makes, at once, so that both workers get some."""
    before = value(scrape(service), "http_requests_total", method="OPTIONS", route="/docs")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: requests.options(f"{service.url}/docs", timeout=30), range(40)))

    for _ in range(6):  # whoever answers
        text = scrape(service)
        assert value(text, "http_requests_total", method="OPTIONS", route="/docs") == before + 40
        assert (
            value(text, "http_request_duration_seconds_count", method="OPTIONS", route="/docs") == before + 40
        )


def test_reads_and_writes_are_counted_by_node(service, registered):
    before = scrape(service)
    registered.call("POST", "/orders/", product_name="Mug")
    registered.call("GET", "/orders/")
    after = scrape(service)

    def counted(**labels):
        return value(after, "routers_requests_total", **labels) - value(
            before, "routers_requests_total", **labels
        )

    assert counted(alias="default", kind="write") == 1
    assert counted(kind="read") >= 1


@pytest.mark.cluster
def test_a_stopped_applier_degrades_and_is_shown(cluster, service, registered):
    """/readyz stays 200 as long as the primary serves: the instance could not be replaced by a better one."""
    stopped, other = REPLICAS
    with cluster.paused(stopped):
        ready = wait_until(lambda: degraded(service), what="the replica is out of service")
        text = wait_until(lambda: shown_as_stopped(service, stopped), what="all probers have seen it")
        placed = registered.call("POST", "/orders/", product_name="Mug")

    assert ready["nodes"][stopped]["status"] == "applier stopped"
    assert placed.status_code == 201
    assert value(text, "routers_replica_applying", alias=stopped) == 0
    assert value(text, "routers_node_in_service", alias=stopped) == 0
    assert value(text, "routers_node_answers", alias=stopped) == 1
    assert value(text, "routers_replica_receiving", alias=stopped) == 1
    assert value(text, "routers_node_in_service", alias=other) == 1
    assert value(text, "routers_node_in_service", alias="default", role="primary") == 1
    wait_until(lambda: not degraded(service), what="it is back in service")


def test_the_primary_is_not_shown_as_a_replica_that_stands_still(cluster, tmp_path):
    """Where it may move, each server is named among the replicas, and one of them is it."""
    everywhere = Roles(Path(os.environ["CLUSTER_DIR"])).settings()
    with Service(tmp_path, **everywhere) as service:
        nodes, text = service.ready()["nodes"], scrape(service)

    states = {alias: node["status"] for alias, node in nodes.items()}
    assert states == {"default": "ok", "replica1": "the primary", "replica2": "ok", "replica3": "ok"}
    for alias in ("replica1", "replica2", "replica3"):
        assert value(text, "routers_replica_receiving", alias=alias) == 1
        assert value(text, "routers_replica_applying", alias=alias) == 1


def degraded(service: Service) -> dict | None:
    answer = requests.get(f"{service.url}/readyz", timeout=10)
    assert answer.status_code == 200
    return answer.json() if answer.json()["status"] == "degraded" else None


def shown_as_stopped(service: Service, alias: str) -> str | None:
    text = scrape(service)
    return text if value(text, "routers_replica_applying", alias=alias) == 0 else None
