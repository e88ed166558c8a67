"""`manage.py replication verify` on real copies: each kind of drift, and none under load."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.replication.cluster import Cluster
from tests.replication.operations import replication, run

pytestmark = pytest.mark.cluster

TABLE = "oms.test_drift"
ALONE = "SET GLOBAL super_read_only = OFF; SET sql_log_bin = OFF;"
AGAIN = "SET GLOBAL super_read_only = ON"
ROWS = """
    ('a', 1, 'Mug',  NULL, 1.5, '{"a": 1}', x'00ff', '2026-01-01 00:00:00'),
    ('a', 2, 'Mug',  '',   1.5, '{"a": 1}', x'00ff', '2026-01-01 00:00:00'),
    ('b', 1, 'Bowl', 'x',  1.5, NULL,       x'00',   '2026-01-01 00:00:00'),
    ('c', 1, '머그', 'x',  0.1, NULL,       x'00',   '2026-01-01 00:00:00')
"""


@pytest.fixture
def table(cluster) -> Iterator[None]:
    """A small one with kinds of columns that are easily compared wrongly; its key has two parts."""
    cluster.query(
        "primary",
        f"""CREATE TABLE {TABLE} (shop VARCHAR(9), number INT, name VARCHAR(20), note TEXT, weight FLOAT,
            more JSON, picture BLOB, at TIMESTAMP, PRIMARY KEY (shop, number));
        INSERT INTO {TABLE} VALUES {ROWS}""",
    )
    cluster.wait_for_replicas()
    yield
    cluster.query("primary", f"DROP TABLE {TABLE}")
    cluster.wait_for_replicas()


@contextmanager
def planted(cluster: Cluster, drift: str, repair: str) -> Iterator[None]:
    """On replica1 alone, and nobody's transaction."""
    try:
        cluster.query("replica1", f"{ALONE} {drift}; {AGAIN}")
        yield
    finally:
        cluster.query("replica1", f"{ALONE} {repair}; {AGAIN}")


ONE_BYTE = f"UPDATE {TABLE} SET name = 'mug' WHERE shop = 'a' AND number = 1"
REPAIRED = f"UPDATE {TABLE} SET name = 'Mug' WHERE shop = 'a' AND number = 1"


def test_each_kind_of_drift_is_found_and_its_row_is_named(cluster, table):
    """One byte; an empty text for NULL; the last digit of a float; a row too few; a row too many."""
    drift = f"""{ONE_BYTE}; UPDATE {TABLE} SET note = NULL WHERE shop = 'a' AND number = 2;
        UPDATE {TABLE} SET weight = 1.5000001 WHERE shop = 'b' AND number = 1;
        DELETE FROM {TABLE} WHERE shop = 'c'; INSERT INTO {TABLE} (shop, number) VALUES ('z', 9)"""
    with planted(cluster, drift, f"DELETE FROM {TABLE}; INSERT INTO {TABLE} VALUES {ROWS}"):
        ran = replication("verify", "--table", "test_drift")
        shown = run("verify", "--table", "test_drift").stdout

    found = ran.facts["drift"]
    assert ran.code == 1
    assert found.keys() == {"replica1"}
    assert {kind: sorted(of["keys"]) for kind, of in found["replica1"]["test_drift"].items()} == {
        "changed": [["a", "1"], ["a", "2"], ["b", "1"]],
        "missing": [["c", "1"]],
        "extra": [["z", "9"]],
        "unsettled": [],
    }
    assert "replica1 test_drift: 1 missing: c/1" in shown


def test_since_a_moment_only_later_rows_are_compared(cluster, table):
    """Also where the drift is in the moment itself; another offset is another moment."""
    later = "UPDATE oms.test_drift SET at = '2026-02-01 00:00:00' WHERE shop = 'b'"
    cluster.query("primary", later)
    cluster.wait_for_replicas()
    drift = f"{ONE_BYTE}; UPDATE {TABLE} SET at = '2020-01-01 00:00:00' WHERE shop = 'b'"
    with planted(cluster, drift, f"{REPAIRED}; {later}"):
        recent = replication("verify", "--table", "test_drift", "--since", "2026-02-01T09:00+09:00")
        none = replication("verify", "--table", "test_drift", "--since", "2026-02-01T00:00:01+00:00")
        whole = replication("verify", "--table", "test_drift")

    assert recent.facts["drift"]["replica1"]["test_drift"]["changed"]["keys"] == [["b", "1"]]
    assert recent.facts["compared"] == {"test_drift": 1}
    assert (none.code, none.facts["drift"], none.facts["compared"]) == (0, {}, {"test_drift": 0})
    assert whole.facts["drift"]["replica1"]["test_drift"]["changed"]["count"] == 2


def test_a_table_without_a_moment_is_compared_whole(cluster):
    ran = replication("verify", "--since", "2026-01-01")

    assert ran.code == 0
    assert "orders_orderline" in ran.facts["whole"]
    assert "orders_order" not in ran.facts["whole"]


def test_a_moment_that_cannot_be_read_is_refused(cluster):
    ran = run("verify", "--since", "yesterday")

    assert ran.returncode == 2
    assert "--since: 'yesterday' is no date or time" in ran.stderr


def test_a_schema_that_differs_is_named(cluster, table):
    with planted(
        cluster, f"ALTER TABLE {TABLE} ADD INDEX alone (name)", f"ALTER TABLE {TABLE} DROP INDEX alone"
    ):
        ran = replication("verify", "--table", "test_drift")

    assert ran.code == 1
    assert ran.facts["schema"] == {"replica1": ["index test_drift.alone is extra"], "replica2": []}


def test_under_load_healthy_copies_are_equal_and_drift_is_still_found(cluster, crowd, table):
    """No row that somebody is changing just now is taken for drift; every table is compared."""
    load = crowd.part(4, sessions=False)
    with load.at_work() as result:
        result.wait_for(operations=30)
        healthy = replication("verify", "--timeout", "60")
        with planted(cluster, ONE_BYTE, REPAIRED):
            drifted = replication("verify", "--timeout", "60")
        busy = len(result.answers)

    assert busy > 60, "there was no load"
    assert (healthy.code, healthy.facts["drift"], healthy.facts["unknown"]) == (0, {}, [])
    assert healthy.facts["compared"]["orders_order"] > 0
    assert None not in healthy.facts["canary_ms"].values()
    assert drifted.code == 1
    assert list(drifted.facts["drift"]["replica1"]) == ["test_drift"]
    assert "replica2" not in drifted.facts["drift"]


def test_a_replica_that_is_behind_has_not_drifted_and_is_not_called_equal(cluster, table):
    with cluster.paused("replica1"):
        cluster.query("primary", f"UPDATE {TABLE} SET name = 'Cup' WHERE shop = 'a' AND number = 1")
        ran = replication("verify", "--table", "test_drift", "--timeout", "0.5")

    assert ran.code == 2
    assert ran.facts["drift"] == {}
    assert ran.facts["canary_ms"]["replica1"] is None
    assert any("replica1" in what for what in ran.facts["unknown"])


def test_a_table_without_a_primary_key_is_said_not_to_be_compared(cluster):
    cluster.query("primary", "CREATE TABLE oms.test_keyless (i INT)")
    try:
        ran = run("verify", "--table", "test_keyless")
    finally:
        cluster.query("primary", "DROP TABLE oms.test_keyless")
        cluster.wait_for_replicas()

    assert ran.returncode == 2
    assert "not compared: test_keyless: it has no primary key" in ran.stdout


def test_an_unknown_table_is_refused(cluster):
    ran = run("verify", "--table", "nothing_of_the_kind")

    assert ran.returncode == 2
    assert "The primary has no table nothing_of_the_kind." in ran.stderr
