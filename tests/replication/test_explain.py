"""`manage.py replication explain`: it says what the service does."""

from contextlib import ExitStack

import pytest

from tests.replication.cluster import REPLICAS, databases, wait_until
from tests.replication.operations import replication, run

pytestmark = pytest.mark.cluster


def test_it_names_the_replica_that_answers_a_member(cluster, service, registered):
    """Each worker may take a while to see that all replicas have what the member wrote."""

    def answer() -> list[list[str]]:
        return [databases(registered.call("GET", "/orders/")) for _ in range(10)]

    cluster.wait_for_replicas()
    wait_until(service.has_all_in_service, what="all nodes are in service after earlier tests")
    ran = replication("explain", "GET", "/orders/", "--member", str(registered.member), service=service)

    assert ran.code == 0
    assert ran.facts["replicas"][ran.facts["node"]]["rank"] == 1
    wait_until(lambda: answer() == [[ran.facts["node"]]] * 10, what="the replica that it names answers")


def test_it_names_the_primary_where_no_replica_has_the_members_write(cluster, service, registered):
    """The position is the one that the service has recorded."""
    with ExitStack() as paused:
        for replica in REPLICAS:
            paused.enter_context(cluster.paused(replica))
        registered.call("POST", "/orders/", product_name="Mug").raise_for_status()
        words = ("explain", "GET", "/orders/", "--member", str(registered.member))
        ran, shown = replication(*words, service=service), run(*words, service=service).stdout

    assert ran.facts["node"] == "default"
    assert ran.facts["must_contain"]
    assert [ran.facts["replicas"][alias]["contains_it"] for alias in REPLICAS] == [False, False]
    assert "applier stopped" in shown


def test_it_names_the_primary_for_what_may_write_and_refuses_what_is_no_path(cluster, service):
    assert replication("explain", "POST", "/orders/", service=service).facts["node"] == "default"
    assert replication("explain", "GET", "/nothing/here", service=service).code == 2
