"""The judge of histories: it finds what is made up, and what a service does that breaks its word."""

from collections import Counter
from contextlib import ExitStack

import pytest

from tests.replication.cluster import REPLICAS, Service
from tests.replication.customers import Load
from tests.replication.history import History, Placed, Read, settle, stored, violations

ONE = Placed(7, "one", started=1.0, acknowledged=2.0, statuses=(201,))
UNKNOWN = Placed(7, "unknown", started=1.0, acknowledged=None, statuses=(0, 503))
THERE = {"primary": Counter(one=1)}


def read(started: float, *names: str, member: int = 7) -> Read:
    return Read(member, started, started + 0.5, 200, names)


@pytest.mark.parametrize(
    ("history", "there", "kinds"),
    [
        (History([ONE], [read(3.0, "one")]), THERE, set()),
        (History([ONE], [read(1.5)]), THERE, set()),  # not acknowledged yet
        (History([ONE], [read(3.0, member=8)]), THERE, set()),  # somebody else's
        (History([ONE, UNKNOWN]), THERE, set()),
        (History([ONE, UNKNOWN]), {"primary": Counter(one=1, unknown=1)}, set()),
        (History([ONE]), {"primary": Counter()}, {"lost"}),
        (History([ONE]), {"primary": Counter(one=1), "replica1": Counter()}, {"lost"}),
        (History([ONE]), {"primary": Counter(one=2)}, {"doubled"}),
        (History([]), THERE, {"invented"}),
        (History([ONE], [read(3.0)]), THERE, {"stale"}),
        (History([UNKNOWN], [read(3.0, "unknown"), read(4.0)]), {}, {"backwards"}),
        (History([UNKNOWN], [read(3.0, "unknown"), read(3.2)]), {}, set()),  # at the same time
    ],
)
def test_each_kind_is_told_from_what_may_be(history, there, kinds):
    assert violations(history, there).keys() == kinds


@pytest.mark.cluster
def test_a_service_that_does_not_gate_is_found_stale(cluster, tmp_path):
    with Service(tmp_path, GATE_READS="false") as careless, ExitStack() as late:
        load = Load.on(careless, customers=1, lookers=0)
        cluster.wait_for_replicas()
        late.enter_context(cluster.delayed(2))
        for _ in range(3):
            load.customers[0].place()
            load.customers[0].read()
    cluster.wait_for_replicas()

    assert violations(load.history, stored(cluster, ["primary"], load.run)).keys() == {"stale"}


@pytest.mark.cluster
@pytest.mark.parametrize(("key", "kinds"), [(True, set()), (False, {"doubled"})])
def test_a_client_without_a_key_that_heard_no_answer_is_found_to_have_ordered_twice(
    cluster, service, key, kinds
):
    load = Load.on(service, customers=1, lookers=0, key=key)
    order = load.customers[0].place(hang_up=True)
    settle(cluster, "primary", REPLICAS)

    assert order.statuses == (0, 201)
    assert violations(load.history, stored(cluster, ["primary", *REPLICAS], load.run)).keys() == kinds
