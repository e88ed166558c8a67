"""`manage.py replication status` and `wait`: each fault that is planted, with a next step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb
import pytest

from tests.replication.cluster import REPLICAS, Cluster, wait_until
from tests.replication.operations import Ran, replication, run

pytestmark = pytest.mark.cluster

BLIND = "'oms_blind'@'127.0.0.1'"


@pytest.fixture(autouse=True)
def whole(cluster) -> Iterator[None]:
    """Each test puts right what it did; here that is waited for."""
    yield
    cluster.wait_for_replicas()


def secret_of(account: str) -> str:
    lines = (Path(os.environ["CLUSTER_DIR"]) / "passwords").read_text().splitlines()
    return dict(line.split() for line in lines)[account]


def port_of(node: str) -> int:
    urls = [os.environ["SERVICE_DATABASE_URL"], *os.environ["REPLICA_URLS"].split(",")]
    return urlsplit(dict(zip(("primary", *REPLICAS), urls, strict=True))[node]).port


def faults(ran: Ran) -> dict[str, list[str]]:
    """By node, of those that have any; each must say what to do next."""
    found = {alias: node["faults"] for alias, node in ran.facts["nodes"].items() if node["faults"]}
    assert all(fault["next_step"] for of_node in found.values() for fault in of_node)
    return {alias: [fault["name"] for fault in of_node] for alias, of_node in found.items()}


def status_with(expected: dict[str, list[str]], **settings: str) -> Ran:
    """The status, once it names these faults and no others."""

    def shown() -> Ran | None:
        ran = replication("status", **settings)
        return ran if faults(ran) == expected else None

    return wait_until(shown, what=f"status names {expected}")


@contextmanager
def done(cluster: Cluster, node: str, fault: str, repair: str) -> Iterator[None]:
    try:
        cluster.query(node, fault)
        yield
    finally:
        cluster.query(node, repair)


def test_healthy_replication_is_healthy(cluster):
    ran, table = replication("status"), run("status")

    assert (ran.code, ran.facts["status"], faults(ran)) == (0, "healthy", {})
    for alias in REPLICAS:
        node = ran.facts["nodes"][alias]
        assert (node["receiver"]["state"], node["applier"]["state"]) == ("ON", "ON")
        assert (node["missing"]["count"], node["errant"]["count"], node["lag_ms"]) == (0, 0, 0)
        assert (node["out_because"], node["hidden"], node["super_read_only"]) == (None, [], True)
    assert len({node["server_uuid"] for node in ran.facts["nodes"].values()}) == 3
    assert table.returncode == 0
    assert "Replication is healthy." in table.stdout


def test_stopped_threads_are_named(cluster):
    with (
        done(cluster, "replica1", "STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD"),
        cluster.paused("replica2"),
    ):
        ran = status_with({"replica1": ["receiver stopped"], "replica2": ["applier stopped"]})

    assert ran.code == 1
    assert ran.facts["nodes"]["replica1"]["out_because"] == "receiver stopped"
    assert ran.facts["nodes"]["replica2"]["out_because"] == "applier stopped"


def test_a_writable_replica_and_an_errant_transaction_are_named(cluster):
    uuid = cluster.query("replica2", "SELECT @@GLOBAL.server_uuid")
    errant = f"SET gtid_next = '{uuid}:1'; BEGIN; COMMIT; SET gtid_next = AUTOMATIC"
    executed = cluster.query("primary", "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
    forgotten = f"""STOP REPLICA; SET GLOBAL super_read_only = OFF; RESET BINARY LOGS AND GTIDS;
        SET GLOBAL gtid_purged = '{executed}'; SET GLOBAL super_read_only = ON; START REPLICA"""
    with (
        done(cluster, "replica1", "SET GLOBAL super_read_only = OFF", "SET GLOBAL super_read_only = ON"),
        done(cluster, "replica2", errant, forgotten),
    ):
        ran = status_with({"replica1": ["writable"], "replica2": ["errant transactions"]})

    assert ran.code == 1
    assert ran.facts["nodes"]["replica2"]["errant"] == {"count": 1, "gtids": f"{uuid}:1"}
    assert ran.facts["nodes"]["replica2"]["out_because"] == "errant transactions"


def source(**options: object) -> str:
    words = ", ".join(f"SOURCE_{name} = {value!r}" for name, value in options.items())
    return f"STOP REPLICA; CHANGE REPLICATION SOURCE TO {words}; START REPLICA"


def test_a_wrong_source_and_a_broken_password_are_named(cluster):
    right, secret = source(PORT=port_of("primary")), secret_of("oms_repl")
    with (
        done(cluster, "replica1", source(PORT=port_of("replica2")), right),
        done(cluster, "replica2", source(PASSWORD="wrong"), source(PASSWORD=secret)),
    ):
        ran = status_with({"replica1": ["wrong source"], "replica2": ["receiver refused"]})

    assert ran.code == 1
    assert "replica2" in ran.facts["nodes"]["replica1"]["faults"][0]["fact"]
    assert "oms_repl" in ran.facts["nodes"]["replica2"]["faults"][0]["fact"]


@contextmanager
def stuck(node: str) -> Iterator[None]:
    """A lock of somebody's holds the applier up."""
    options = str(Path(os.environ["CLUSTER_DIR"]) / "client.cnf")
    with MySQLdb.connect(read_default_file=options, host="127.0.0.1", port=port_of(node)) as administrator:
        with administrator.cursor() as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")
        yield


def test_a_delayed_and_a_stuck_replica_are_named(cluster):
    """Seconds_Behind_Source is not asked: by commit times, the lag is there while nothing is applied."""
    try:
        cluster.run("delay", "replica1", "600")
        with stuck("replica2"):
            cluster.query("primary", "CREATE TABLE oms.test_lag (i INT); DROP TABLE oms.test_lag")
            ran = status_with({"replica1": ["lagging"], "replica2": ["lagging"]}, MAX_LAG_SECONDS="0.3")
    finally:
        cluster.run("delay", "replica1", "0")

    assert ran.code == 1
    for alias in REPLICAS:
        assert ran.facts["nodes"][alias]["lag_ms"] > 300
        assert ran.facts["nodes"][alias]["missing"]["count"] == 2
    assert "SOURCE_DELAY" in ran.facts["nodes"]["replica1"]["faults"][0]["next_step"]


def test_what_an_account_may_not_see_is_said_with_the_grant_for_it(cluster):
    made = f"CREATE USER {BLIND} IDENTIFIED BY 'Blind-7'; GRANT SELECT ON oms.* TO {BLIND}"
    with done(cluster, "primary", made, f"DROP USER {BLIND}"):
        cluster.wait_for_replicas()
        urls = ",".join(f"mysql://oms_blind:Blind-7@127.0.0.1:{port_of(alias)}/oms" for alias in REPLICAS)
        ran = replication("status", REPLICA_URLS=urls)

    node = ran.facts["nodes"]["replica1"]
    assert node["receiver"] is node["applier"] is node["lag_ms"] is None
    assert node["missing"]["count"] == 0
    [hidden] = node["hidden"]
    assert f"GRANT SELECT ON performance_schema.* TO {BLIND}" in hidden


def test_without_the_primary_it_is_broken(cluster):
    url = os.environ["SERVICE_DATABASE_URL"].replace(f":{port_of('primary')}/", ":1/")
    ran = replication("status", DATABASE_URL=url)

    assert (ran.code, ran.facts["status"]) == (2, "broken")
    assert faults(ran) == {"default": ["unreachable"]}


def test_wait_names_who_is_behind(cluster):
    with cluster.paused("replica1"):
        cluster.query("primary", "CREATE TABLE oms.test_wait (i INT); DROP TABLE oms.test_wait")
        late = replication("wait", "--timeout", "0.5")
    caught_up = replication("wait", "--timeout", "30")

    assert late.code == 1
    assert late.facts["behind"].keys() == {"replica1"}
    assert late.facts["behind"]["replica1"].startswith("lacks 2: ")
    assert (caught_up.code, caught_up.facts["behind"]) == (0, {})
