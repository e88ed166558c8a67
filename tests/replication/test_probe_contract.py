"""What `routers.probe` promises: by real servers, and by the Twin that plays them in other tests."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import ConnectionHandler

from routers import probe, testing
from routers.gtid import GTIDSet
from tests.replication.cluster import Cluster
from tests.replication.test_capture import settings_of

SECONDS = 0.3
NOTHING_YET = 10**9  # more transactions than this cluster will ever have


class RealServer:
    """The primary and replica1 of the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        urls = {
            "default": os.environ["SERVICE_DATABASE_URL"],
            "replica1": os.environ["REPLICA_URLS"].split(",")[0],
        }
        self.connections = ConnectionHandler({alias: settings_of(url, "oms") for alias, url in urls.items()})

    def commit(self) -> GTIDSet:
        before = probe.executed(self.connections["default"])
        self.cluster.query("primary", "CREATE TABLE oms.test_contract (i INT); DROP TABLE oms.test_contract")
        return probe.executed(self.connections["default"]) - before

    def apply(self) -> None:
        self.cluster.wait_for_replicas()

    def applying_nothing(self) -> contextlib.AbstractContextManager[None]:
        return self.cluster.paused("replica1")

    def never(self) -> GTIDSet:
        (uuid, *_) = str(probe.executed(self.connections["default"])).split(":")
        return GTIDSet.parse(f"{uuid}:{NOTHING_YET}")

    def clock(self) -> float:
        return time.monotonic()


class TwinServer:
    """The Twin's."""

    def __init__(self, twin: testing.Twin) -> None:
        from django.db import connections

        self.connections: Any = connections
        self.twin = twin
        self.commit = twin.commit
        self.apply = twin.apply
        self.applying_nothing = contextlib.nullcontext

    def never(self) -> GTIDSet:
        return GTIDSet.parse(f"{testing.UUID}:{NOTHING_YET}")

    def clock(self) -> float:
        return self.twin.now


@pytest.fixture(params=["real", "twin"])
def server(request, django_db_blocker) -> Iterator[Any]:
    if request.param == "real":
        server = RealServer(request.getfixturevalue("cluster"))
        server.apply()
        with django_db_blocker.unblock():
            yield server
            server.connections.close_all()
    else:
        with testing.Twin("replica1") as twin:
            yield TwinServer(twin)


@pytest.fixture
def primary(server):
    return server.connections["default"]


@pytest.fixture
def replica(server):
    return server.connections["replica1"]


def waited(server, connection, gtids) -> tuple[bool, float]:
    """What a wait answers, and how long it took."""
    probe.executed(connection)  # connected, so that only the wait is measured
    started = server.clock()
    return probe.wait(connection, gtids, SECONDS), server.clock() - started


class TestExecuted:
    def test_contains_what_was_committed(self, server, primary):
        before = probe.executed(primary)
        committed = server.commit()

        assert committed
        assert not before.contains(committed)
        assert probe.executed(primary).contains(committed)

    def test_of_a_replica_contains_what_it_has_applied(self, server, primary, replica):
        with server.applying_nothing():
            committed = server.commit()
            assert not probe.executed(replica).contains(committed)
        server.apply()

        assert probe.executed(replica).contains(committed)
        assert probe.executed(primary).contains(probe.executed(replica))


class TestAWait:
    def test_is_true_at_once_for_what_is_contained(self, server, primary, replica):
        committed = server.commit()
        server.apply()

        for connection in (primary, replica):
            reached, seconds = waited(server, connection, committed)
            assert reached is True
            assert seconds < SECONDS / 2

    def test_is_true_at_once_for_nothing(self, server, replica):
        reached, seconds = waited(server, replica, GTIDSet())

        assert reached is True
        assert seconds < SECONDS / 2

    def test_is_false_after_its_time_for_what_is_not_applied(self, server, replica):
        with server.applying_nothing():
            reached, seconds = waited(server, replica, server.commit())

        assert reached is False
        assert SECONDS * 0.9 <= seconds < SECONDS * 3

    def test_is_false_after_its_time_for_what_never_was(self, server, primary):
        reached, seconds = waited(server, primary, server.never())

        assert reached is False
        assert SECONDS * 0.9 <= seconds < SECONDS * 3

    def test_is_false_when_only_a_part_is_contained(self, server, primary):
        reached, _ = waited(server, primary, server.commit() | server.never())

        assert reached is False
