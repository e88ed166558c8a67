"""The primary changes, or dies, under load; the service finds the new one by itself.

`LONG_FAULTS=1` does 20 planned changes and 30 deaths.
"""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.replication.cluster import ROOT, Service, wait_until
from tests.replication.history import Load, pause, violations
from tests.replication.roles import ALIASES, Roles, wait_until_in_service

LONG = os.environ.get("LONG_FAULTS") == "1"
PLANNED, DEATHS = (20, 30) if LONG else (2, 2)
WRITES_WITHIN = 5  # seconds after a promotion


@pytest.fixture(scope="module")
def roles() -> Iterator[Roles]:
    with Roles(ROOT / "var" / "test-roles") as roles:
        yield roles


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

    assert violations(history, roles.stored(load.run)) == {}
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

    assert violations(history, roles.stored(load.run)) == {}
    assert {read.status for read in load.looked()} == {200}, "a member with nothing pending was not answered"
    say(f"{DEATHS} deaths, {len(history.placed)} orders, writes went on after {longest:.2f} s at most")
