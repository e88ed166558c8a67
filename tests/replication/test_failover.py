"""The primary changes, or dies, under load; the service finds the new one by itself.

`LONG_FAULTS=1` does 20 planned changes and 30 deaths.
"""

import os
import random
import re
import time
from collections.abc import Iterator

import pytest

from routers.gtid import GTIDSet
from routers.prober import SPLIT_BRAIN
from tests.replication.cluster import Service, wait_until
from tests.replication.customers import Load, pause
from tests.replication.history import stored, violations
from tests.replication.operations import replication
from tests.replication.roles import ALIASES, NODES, Roles, wait_until_in_service

LONG = os.environ.get("LONG_FAULTS") == "1"
PLANNED, DEATHS = (20, 30) if LONG else (2, 1)
WRITES_WITHIN = 5  # seconds after a promotion


@pytest.fixture(scope="module")
def service(roles, tmp_path_factory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("failover"), **roles.settings()) as service:
        wait_until_in_service(service, roles)
        yield service


def say(sentence: str) -> None:
    print(f"\n{sentence}")  # noqa: T201 - shown with `-s`


def another(roles: Roles, dice: random.Random) -> str:
    """The alias of a replica."""
    return dice.choice(sorted(set(ALIASES) - {roles.primary()}))


def seconds_until_writes_go_on(load: Load) -> float:
    promoted = time.monotonic()
    wait_until(lambda: load.acknowledged_since(promoted), what="writes go on", seconds=WRITES_WITHIN)
    return time.monotonic() - promoted


def test_planned_promotions_under_load_fail_no_request_and_lose_nothing(roles, service):
    dice, load = random.Random(6), Load.on(service)
    with load.at_work() as history:
        for _ in range(PLANNED):
            pause(dice, 1.0)
            ran = roles.operate(service, "promote", another(roles, dice))
            assert ran.code == 0, ran.errors
            seconds_until_writes_go_on(load)
    roles.settle()

    assert violations(history, stored(roles, NODES, load.run)) == {}
    assert set(history.statuses()) == {201}, history.statuses()
    assert {read.status for read in history.reads} == {200}
    say(f"{PLANNED} promotions, {len(history.placed)} orders, the slowest in {history.longest_write():.2f} s")


def test_the_primary_dies_under_load_and_nothing_acknowledged_is_lost(roles, service):
    dice, load = random.Random(9), Load.on(service)
    longest = 0.0
    with load.at_work() as history:
        for _ in range(DEATHS):
            pause(dice, 1.0)
            dead = roles.primary()
            roles.run("kill", ALIASES[dead])
            pause(dice, 1.0)
            ran = roles.operate(service, "promote", "--dead", "--execute")
            assert ran.code == 0, ran.errors
            longest = max(longest, seconds_until_writes_go_on(load))
            roles.run("start", ALIASES[dead])
            roles.rejoin(service, dead)
    roles.settle()

    assert violations(history, stored(roles, NODES, load.run)) == {}
    assert {read.status for read in load.looked()} == {200}, "a member with nothing pending was not answered"
    say(f"{DEATHS} deaths, {len(history.placed)} orders, writes went on after {longest:.2f} s at most")


def test_a_forced_loss_is_found_and_told_to_whom_it_concerns(roles, service):
    """Semisync off, and nobody receives: what is acknowledged then dies with the primary."""
    load = Load.on(service, customers=2, lookers=1)
    kept = [customer.place() for customer in load.customers]
    dead, survivors = roles.primary(), sorted(set(ALIASES) - {roles.primary()})
    roles.settle()
    roles.query(ALIASES[dead], "SET GLOBAL rpl_semi_sync_source_enabled = OFF")
    for alias in survivors:
        roles.query(ALIASES[alias], "STOP REPLICA IO_THREAD")
    gone = [load.customers[0].place() for _ in range(3)]
    assert all(order.acknowledged for order in (*kept, *gone))
    roles.run("kill", ALIASES[dead])
    assert roles.operate(service, "promote", "--dead", "--execute").code == 0

    first, second = load.customers[0].read(), load.customers[0].read()
    unharmed = load.customers[1].read()
    new = ALIASES[roles.primary()]
    assert (first.status, first.lost) == (200, True)
    assert (second.status, second.lost) == (200, False), "they are told once, and answered ever after"
    assert (unharmed.status, unharmed.lost) == (200, False)
    found = violations(load.history, stored(roles, [new], load.run))
    assert [said.split()[1] for said in found["lost"]] == [order.name for order in gone]

    roles.run("start", ALIASES[dead])
    has = "SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')"
    [lost] = roles.query(
        new, f"SELECT GTID_SUBTRACT('{roles.query(ALIASES[dead], has)}', @@GLOBAL.gtid_executed)"
    ).splitlines()
    told = replication("lost", service=service)
    assert (told.code, told.facts["count"], told.facts["gtids"]) == (1, len(gone), lost)
    logged = re.findall(r"lost_write .*gtids=(\S+)", service.log.read_text())  # each worker has lost its own
    assert str(GTIDSet.parse(",".join(logged))) == lost
    assert replication("status", service=service).facts["lost"] == {"count": len(gone), "gtids": lost}

    refused = roles.operate(service, "rejoin", dead)
    assert refused.code == 2
    assert lost in refused.errors
    assert roles.rejoin(service, dead), "it was made anew"
    assert roles.operate(service, "lost", "--clear").code == 1
    assert replication("lost", service=service).code == 0


def test_two_servers_that_take_writes_stop_all_writes(roles, service):
    """Split brain: nobody knows which of them is right."""
    other = another(roles, random.Random(3))
    load = Load.on(service, customers=1, lookers=1)
    wait_until_in_service(service, roles)
    roles.query(ALIASES[other], "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF")
    try:
        wait_until(lambda: states(service)["default"] == SPLIT_BRAIN, what="the service sees it")
        refused = [load.customers[0].try_to_place() for _ in range(4)]
        looked = [load.lookers[0].read().status for _ in range(4)]
    finally:
        roles.query(ALIASES[other], "SET GLOBAL super_read_only = ON")

    assert "split_brain" in service.log.read_text()
    wait_until_in_service(service, roles)
    assert load.customers[0].try_to_place() == 201
    assert set(refused) == {503}
    assert set(looked) == {200}


def states(service: Service) -> dict[str, str]:
    """Of the nodes, as every worker sees them; none while they differ."""
    answers = [service.ready()["nodes"] for _ in range(6)]
    seen = [{alias: node["status"] for alias, node in nodes.items()} for nodes in answers]
    return seen[0] if all(one == seen[0] for one in seen) else dict.fromkeys(seen[0], "")


def test_what_cannot_be_promoted_is_refused_with_the_reason(roles, service):
    primary, replica = roles.primary(), another(roles, random.Random(4))

    def refused(*words: str) -> str:
        ran = roles.operate(service, *words)
        assert ran.code == 2, ran.said
        return ran.errors

    assert "the primary already" in refused("promote", primary)
    assert "takes writes: leave out --dead" in refused("promote", replica, "--dead")
    assert "is no node. The nodes are: replica1" in refused("promote", "nobody")
    assert "Name the node" in refused("promote")
    assert "is the primary" in refused("rejoin", primary)
    ran = replication("promote", replica, service=service, json_too=False)
    assert (ran.code, "set ADMIN_PASSWORD" in ran.errors) == (2, True)
    account, _, hosts = service.settings["DATABASE_URL"].removesuffix("/oms").rpartition("@")
    others = [host for host, alias in zip(hosts.split(","), ALIASES, strict=True) if alias != replica]
    alone = f"{account}@{','.join(others)}/oms"
    ran = replication(
        "promote", replica, service=service, json_too=False, **roles.administrator(), DATABASE_URL=alone
    )
    assert "name all servers that may become the primary in DATABASE_URL" in ran.errors


def test_a_promotion_that_would_be_too_late_is_taken_back(roles, service):
    """The old primary takes writes again, and the replicas follow it."""
    primary, replica = roles.primary(), another(roles, random.Random(5))
    roles.settle()
    roles.query(ALIASES[replica], "STOP REPLICA SQL_THREAD")
    try:
        ran = roles.operate(service, "promote", replica)
    finally:
        roles.query(ALIASES[replica], "START REPLICA SQL_THREAD")

    assert ran.code == 2
    assert "does not replicate" in ran.errors
    assert roles.primary() == primary
    assert Load.on(service, customers=1, lookers=0).customers[0].try_to_place() == 201


def test_a_dry_run_says_each_step_and_its_undo_and_changes_nothing(roles, service):
    primary, replica = roles.primary(), another(roles, random.Random(8))
    ran = roles.operate(service, "promote", replica, "--dry-run")

    assert ran.code == 0, ran.errors
    assert "SET PERSIST super_read_only = ON" in ran.said
    assert "undo: SET PERSIST super_read_only = OFF" in ran.said
    assert "SOURCE_PASSWORD = '…'" in ran.said
    assert roles.administrator()["REPLICATION_PASSWORD"] not in ran.said
    assert "Nothing was done" in ran.said
    assert roles.primary() == primary
