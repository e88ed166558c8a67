"""What no ordinary fault shows: a replica ahead of the primary, errant transactions, a reset."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.replication.cluster import ROOT, Client, Cluster, Service, databases, wait_until

WRITABLE = "SET GLOBAL super_read_only = OFF; SET sql_log_bin = OFF;"
READ_ONLY = "SET GLOBAL super_read_only = ON"
STRONG = {"X-Consistency": "strong"}


def node_status(service: Service, alias: str) -> str:
    return requests.get(f"{service.url}/readyz", timeout=10).json()["nodes"][alias]["status"]


# --- semisync ------------------------------------------------------------------------------


@contextmanager
def commits_stuck_on_replica1(cluster: Cluster) -> Iterator[None]:
    """AFTER_SYNC with two acknowledgements, and replica2 receives nothing.

    So a commit shows on replica1, but not on the primary, until the block ends.
    """
    waits = (
        "SET GLOBAL rpl_semi_sync_source_wait_for_replica_count = {};"
        "SET GLOBAL rpl_semi_sync_source_timeout = {}"
    )
    clients = "SHOW STATUS LIKE 'Rpl_semi_sync_source_clients'"
    cluster.query("primary", waits.format(2, 60000))
    wait_until(lambda: cluster.query("primary", clients).endswith("2"), what="both replicas take part")
    try:
        cluster.query("replica2", "STOP REPLICA IO_THREAD")
        yield
    finally:
        cluster.query("replica2", "START REPLICA IO_THREAD")
        cluster.query("primary", waits.format(1, 1000))
        cluster.wait_for_replicas()


def shown(client: Client, headers: dict[str, str] | None = None) -> set[int] | None:
    """The orders that the member is shown; None with 503."""
    answer = client.call("GET", "/orders/", headers=headers)
    assert answer.status_code in (200, 503), answer.text
    return {order["id"] for order in answer.json()["results"]} if answer.ok else None


def looks_at_the_primary_after(service: Service, cluster: Cluster, client: Client) -> list[set[int] | None]:
    """The member sees on replica1 an order that the primary does not show yet, then asks the primary."""
    with commits_stuck_on_replica1(cluster):
        posting = threading.Thread(
            target=client.call, args=("POST", "/orders/"), kwargs={"product_name": "Mug"}
        )
        posting.start()
        wait_until(lambda: shown(client), what="the order is seen")
        looks = [shown(client, STRONG) for _ in range(3)]
    posting.join()
    return looks


def test_the_primary_never_shows_less_than_a_replica_did(cluster, tmp_path, new_email):
    """It is not asked before it has caught up, and until then the answer is 503."""
    with Service(tmp_path) as service:
        client = Client(service)
        client.register(new_email()).raise_for_status()
        cluster.wait_for_replicas()

        looks = looks_at_the_primary_after(service, cluster, client)

        assert set() not in looks, "time went backwards"
        assert len(shown(client, STRONG) or ()) == 1


def test_without_gating_the_primary_does_show_less(cluster, tmp_path, new_email):
    """The planted fault: that the test above can fail."""
    with Service(tmp_path, GATE_READS="false") as service:
        client = Client(service)
        wait_until(lambda: node_status(service, "replica1") == "ok", what="replica1 is in service")
        client.register(new_email()).raise_for_status()
        cluster.wait_for_replicas()

        assert set() in looks_at_the_primary_after(service, cluster, client)


# --- errant transactions -------------------------------------------------------------------


@pytest.fixture
def errant_transaction(cluster) -> Iterator[None]:
    """Something was written on replica1 alone."""
    cluster.query("replica1", f"SET GLOBAL super_read_only = OFF; CREATE DATABASE errant; {READ_ONLY}")
    yield
    executed = cluster.query("primary", "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
    cluster.query(
        "replica1",
        f"STOP REPLICA; {WRITABLE} DROP DATABASE errant; RESET BINARY LOGS AND GTIDS;"
        f"SET GLOBAL gtid_purged = '{executed}'; {READ_ONLY}; START REPLICA",
    )
    cluster.wait_for_replicas()


def test_a_replica_with_errant_transactions_takes_no_reads(service, errant_transaction, new_email):
    clients = [Client(service) for _ in range(4)]
    for client in clients:
        client.register(new_email()).raise_for_status()

    def avoided() -> bool:
        """By all worker processes, for members of whom some would be its own."""
        answers = [client.call("GET", "/orders/") for client in clients for _ in range(10)]
        return not any("replica1" in databases(answer) for answer in answers)

    wait_until(avoided, what="replica1 is avoided")
    assert node_status(service, "replica1") == "errant transactions"


# --- RESET BINARY LOGS AND GTIDS -------------------------------------------------------------


@pytest.fixture
def own_cluster(tmp_path_factory) -> Iterator[Cluster]:
    """One that a test may ruin."""
    cluster = Cluster(CLUSTER_DIR=str(tmp_path_factory.mktemp("cluster") / "own"))
    try:
        cluster.run("up")
        lines = cluster.run("env").splitlines()
        settings = dict(line.removeprefix("export ").replace("'", "").split("=", 1) for line in lines)
        cluster.environment |= settings
        migrate = {**cluster.environment, "DATABASE_URL": settings["MIGRATION_DATABASE_URL"]}
        migrate["DJANGO_SETTINGS_MODULE"] = "drf_oms.settings"
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=migrate, check=True)
        cluster.wait_for_replicas()
        yield cluster
    finally:
        cluster.run("destroy")


def test_old_numbers_mean_nothing_after_the_primary_began_to_count_anew(own_cluster, tmp_path, new_email):
    """The replicas have the old numbers, which the new transactions get again: they must not be believed."""
    urls = {name: own_cluster.environment[name] for name in ("DATABASE_URL", "REPLICA_URLS")}
    with Service(tmp_path, **urls) as service:
        client = Client(service)
        client.register(new_email()).raise_for_status()
        for _ in range(5):
            token = client.call("POST", "/orders/", product_name="Mug").headers["X-Consistency-Token"]
        own_cluster.wait_for_replicas()
        own_cluster.query("primary", "RESET BINARY LOGS AND GTIDS")

        for count in range(6, 12):
            assert client.call("POST", "/orders/", product_name="Mug").status_code == 201
            listed = client.call("GET", "/orders/", headers={"X-Consistency-Token": token})
            assert listed.status_code == 200
            assert listed.json()["count"] == count
        wait_until(lambda: node_status(service, "replica1") != "ok", what="the replicas are found out")
