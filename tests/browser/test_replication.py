"""The page about replication: it says what is, by itself, and a button takes a replica out of service."""

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import ready
from tests.replication.cluster import REPLICAS, wait_until
from tests.replication.operations import replication

pytestmark = pytest.mark.cluster


@pytest.fixture
def all_in_service(service):
    yield
    for alias in REPLICAS:
        replication("enable", alias, service=service)
    wait_until(lambda: ready(service)["status"] == "ok", what="all nodes are in service")


def pill(page, alias: str):
    return page.locator(f"[data-pill={alias}]")


def test_a_replica_is_drained_and_enabled_by_a_button(tab, service, all_in_service, picture):
    page = tab()
    page.goto("/ops/replication")
    expect(pill(page, "replica1")).to_have_text("in service")
    picture(page, "replication", full_page=True)
    page.get_by_role("button", name="Drain replica1").click()
    expect(page.get_by_role("status").filter(has_text="takes no more reads")).to_be_visible()

    expect(pill(page, "replica1")).to_have_text("drained")
    assert ready(service)["nodes"]["replica1"]["status"] == "drained"
    picture(page, "replication-drained", full_page=True)
    page.get_by_role("button", name="Enable replica1").click()
    expect(pill(page, "replica1")).to_have_text("in service")


def test_a_replica_that_is_killed_is_shown_without_a_reload(tab, service, cluster, all_in_service, picture):
    page = tab()
    page.goto("/ops/replication")
    page.evaluate("window.loaded = 'once'")
    with cluster.down("replica2", how="kill"):
        expect(pill(page, "replica2")).to_contain_text("does not answer", timeout=20_000)
        expect(page.locator("#status")).to_have_text("Degraded: a replica takes no reads.")
        expect(page.locator("#events")).to_contain_text("out of service", timeout=20_000)
        picture(page, "replication-killed", full_page=True)
        page.goto("/admin/orders/order/")  # and staff go on
        assert page.locator("#result_list tbody tr").count() > 0
        page.goto("/ops/replication")
        page.evaluate("window.loaded = 'once'")
    expect(pill(page, "replica2")).to_have_text("in service", timeout=30_000)
    assert page.evaluate("window.loaded") == "once"


def test_it_works_without_javascript(tab, service, all_in_service):
    page = tab(java_script_enabled=False)
    page.goto("/ops/replication")
    page.get_by_role("button", name="Drain replica2").click()

    def shown_as_drained() -> bool:
        page.goto("/ops/replication")
        return pill(page, "replica2").inner_text() == "drained"

    wait_until(shown_as_drained, what="it is shown as drained")
    assert page.get_by_role("button", name="Enable replica2").is_visible()


def test_the_same_is_there_for_programs(service, login):
    cookies = {cookie["name"]: cookie["value"] for cookie in login["cookies"]}
    url = f"{service.url}/ops/replication.json"
    told = requests.get(url, cookies=cookies, headers={"Accept": "application/json"}, timeout=10).json()

    assert [node["alias"] for node in told["nodes"]] == ["default", *REPLICAS]
    assert [node["role"] for node in told["nodes"]] == ["primary", "replica", "replica"]
    assert all(node["behind"] == 0 for node in told["nodes"][1:]) or told["nodes"][1]["lag_ms"] is not None
    assert sum(node["reads"] for node in told["nodes"]) > 0
