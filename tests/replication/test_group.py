"""Group Replication as `cluster.sh --group` sets it up: elections, and what a lost node may not do."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.replication.cluster import wait_until
from tests.replication.group import CAN_PARTITION, NODES, Group


@pytest.fixture(scope="module", autouse=True)
def table(group) -> None:
    group.query(group.primary(), "CREATE TABLE oms.writes (word VARCHAR(20) PRIMARY KEY)")


def write(group: Group, node: str, word: str) -> None:
    group.query(node, f"INSERT INTO oms.writes VALUES ('{word}')")


def words(group: Group, node: str) -> list[str]:
    return group.query(node, "SELECT word FROM oms.writes ORDER BY word").split()


def wait_until_all_have(group: Group, word: str) -> None:
    wait_until(lambda: all(word in words(group, node) for node in NODES), what=f"all nodes have {word}")


def test_one_node_takes_writes_and_the_others_have_them(group):
    primary = group.primary()
    write(group, primary, "first")
    wait_until_all_have(group, "first")
    for node in set(NODES) - {primary}:
        with pytest.raises(AssertionError, match="super-read-only"):
            write(group, node, "stray")


def test_members_reach_each_other_over_tls_as_an_account_of_few_rights(group):
    account = "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)), ssl_type FROM mysql.user WHERE User = 'oms_repl'"
    name, tls = group.query("node1", account).split()
    assert tls == "ANY"
    said = group.query("node2", f"SHOW GRANTS FOR {name}")
    assert set(re.findall(r"[A-Z_]{4,}(?: [A-Z]+)?(?=,| ON)", said)) == {
        "REPLICATION SLAVE",
        "CONNECTION_ADMIN",
        "GROUP_REPLICATION_STREAM",
    }


# One test, for an election and a joining take half a minute; test_group_failover.py kills a primary.
@pytest.mark.skipif(not CAN_PARTITION, reason="network namespaces are root's; `unshare -rnm` makes one")
def test_a_primary_that_is_cut_off_acknowledges_nothing_and_no_new_group_begins_with_it(group):
    old = group.primary()
    with group.cut_off(old), ThreadPoolExecutor() as pool:
        pending = pool.submit(write, group, old, "lost")
        new = group.wait_for_primary(other_than=old)
        write(group, new, "elsewhere")
        with pytest.raises(AssertionError, match="ERROR 3100"):
            pending.result()
        wait_until(lambda: not group.takes_writes(old), what="the cut-off node is read only")
        [other] = set(NODES) - {old, new}
        wait_until(lambda: "elsewhere" in words(group, other), what="the other node has it")
        for node in (other, new):
            group.run("kill", node)
    group.up()
    wait_until_all_have(group, "elsewhere")
    assert group.is_whole()
    assert group.primary() != old
    assert "lost" not in words(group, old)


def test_no_other_topology_is_mixed_into_its_directory(group):
    with pytest.raises(AssertionError, match="holds a group"):
        group.run("up")
    with pytest.raises(AssertionError, match="no node is called 'replica1'"):
        group.run("stop", "replica1")
