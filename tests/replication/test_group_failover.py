"""A group elects another primary, and the service follows it without anybody's doing.

`LONG_FAULTS=1` freezes and cuts off as well, and does each ten times.
"""

import os
import random
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.replication.cluster import Service, wait_until
from tests.replication.customers import Load, pause
from tests.replication.group import CAN_PARTITION, NODES
from tests.replication.history import settle, stored, violations

LONG = os.environ.get("LONG_FAULTS") == "1"
ROUNDS = 10 if LONG else 1
WRITES_WITHIN = 5  # seconds after another node has become the primary


@pytest.fixture(scope="module")
def service(group, tmp_path_factory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("group"), **group.settings()) as service:
        wait_until(service.has_all_in_service, what="all nodes are in service")
        yield service


# An election and a rejoining take half a minute: each run does the first.
FAULTS = ["killed", "frozen", *(["partitioned"] if CAN_PARTITION else [])]


@pytest.mark.parametrize("fault", FAULTS if LONG else FAULTS[:1])
def test_the_service_follows_the_election_and_nothing_is_lost(group, service, fault):
    dice, load, longest = random.Random(fault), Load.on(service), 0.0
    with load.at_work() as history:
        for _ in range(ROUNDS):
            pause(dice, 1.0)
            old = group.primary()
            with getattr(group, fault)(old):
                group.wait_for_primary(other_than=old)
                elected = time.monotonic()
                go_on = partial(load.acknowledged_since, elected)
                wait_until(go_on, what="writes go on", seconds=WRITES_WITHIN)
                longest = max(longest, time.monotonic() - elected)
    settle(group, group.primary(), NODES)

    assert violations(history, stored(group, NODES, load.run)) == {}
    assert {read.status for read in load.looked()} == {200}, "a member with nothing pending was not answered"
    went_on = f"writes went on {longest:.2f} s after the election"
    print(f"\n{fault}: {len(history.placed)} orders, {went_on}")  # noqa: T201 - shown with `-s`
