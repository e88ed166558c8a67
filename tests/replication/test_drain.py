"""Out of service for reads and in again, by one command beside a service under load."""

import time

import pytest
import requests

from tests.replication.cluster import REPLICAS, Service, databases, wait_until
from tests.replication.operations import replication

pytestmark = pytest.mark.cluster

NO_READ_AFTER = 3  # seconds after the command has ended
BUSY = 5


@pytest.fixture
def enabled(service):
    """Whatever happens, both replicas are in service afterwards."""
    yield
    for alias in REPLICAS:
        replication("enable", alias, service=service)
    wait_until(lambda: statuses(service)["replica1"] == "ok", what="replica1 is in service again")
    wait_until(lambda: statuses(service)["replica2"] == "ok", what="replica2 is in service again")


def statuses(service: Service) -> dict[str, str]:
    nodes = requests.get(f"{service.url}/readyz", timeout=10).json()["nodes"]
    return {alias: node["status"] for alias, node in nodes.items()}


def test_a_drained_replica_costs_no_request_and_takes_no_read(cluster, service, crowd, enabled):
    """Under load: nothing fails, nothing is read there 3 s later, and reads return with `enable`."""
    load = crowd.part(BUSY, sessions=False)
    with load.at_work() as result:
        result.wait_for(operations=100)
        assert replication("drain", "replica1", service=service).code == 0
        drained_at = time.monotonic()
        wait_until(lambda: time.monotonic() > drained_at + NO_READ_AFTER, what="the deadline")
        result.wait_for(operations=150, seconds=2)
        assert statuses(service)["replica1"] == "drained"
        enabled_at = time.monotonic()
        assert replication("enable", "replica1", service=service).code == 0

        def returned() -> bool:
            late = [answer for answer in list(result.answers) if answer.started > enabled_at]
            return any("replica1" in answer.databases for answer in late)

        wait_until(returned, what="replica1 is read again")

    after = [a for a in result.answers if drained_at + NO_READ_AFTER < a.started and a.ended < enabled_at]
    assert result.found == {}
    assert any("replica1" in a.databases for a in result.answers if a.ended < drained_at), "it had no load"
    assert len(after) > 50
    assert [a for a in after if "replica1" in a.databases] == []
    assert any("replica2" in a.databases for a in after)


def test_with_the_last_one_drained_the_primary_answers(service, registered, enabled):
    """Also those who would take any answer: a drained replica gives none."""
    for alias in REPLICAS:
        assert replication("drain", alias, service=service).code == 0
    wait_until(
        lambda: statuses(service) == {"default": "ok"} | dict.fromkeys(REPLICAS, "drained"),
        what="both are drained",
    )

    def answered_by_the_primary() -> bool:
        headers = {"X-Consistency": "eventual"}
        answers = [registered.call("GET", "/orders/", headers=headers) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        return all(databases(answer) == ["default"] for answer in answers)

    wait_until(answered_by_the_primary, what="each process knows", seconds=NO_READ_AFTER)
    assert replication("status", service=service).code == 1


def test_a_cache_that_forgets_brings_no_drained_replica_back(service, tmp_path):
    """The processes that knew of it write it back, and one that starts later learns it."""
    with Service(tmp_path) as own:
        assert replication("drain", "replica1", service=own).code == 0
        wait_until(lambda: statuses(own)["replica1"] == "drained", what="replica1 is drained")
        forget_all(own)
        wait_until(
            lambda: (
                replication("drain", "replica2", service=own).facts["drained"] == ["replica1", "replica2"]
            ),
            what="it is written back",
        )
        assert statuses(own)["replica1"] == "drained"


def forget_all(service: Service) -> None:
    import sqlite3

    with sqlite3.connect(service.state / "cache.sqlite3") as cache:
        cache.execute("DELETE FROM entry")


def test_an_unknown_node_is_refused_with_the_names(service):
    ran = replication("drain", "replica9", service=service)

    assert ran.code == 2
    assert "The replicas are: replica1, replica2." in ran.errors
