"""A thread that waits for a node that never answers is woken."""

import os
import threading
import time

import pytest
from django.db import ConnectionHandler, OperationalError
from django.db.backends.signals import connection_created

from routers import connections as open_connections
from routers.errors import is_connection_error
from tests.replication.cluster import wait_until
from tests.replication.test_capture import settings_of

SECONDS = 10  # far below the 20 s after which the connection's own read_timeout would wake it


class Reader(threading.Thread):
    """Reads once when it may, and keeps the error, if there is one."""

    def __init__(self, handler: ConnectionHandler, alias: str) -> None:
        super().__init__(daemon=True)
        self.handler, self.alias = handler, alias
        self.connected, self.may_read, self.reads = threading.Event(), threading.Event(), threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        connection = self.handler[self.alias]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.connected.set()
            self.may_read.wait(SECONDS)
            self.reads.set()
            try:
                cursor.execute("SELECT 2")
            except OperationalError as error:
                self.error = error
        connection.close()


@pytest.fixture
def readers(cluster, django_db_blocker):
    """One for each replica, connected."""
    urls = dict(zip(("replica1", "replica2"), os.environ["REPLICA_URLS"].split(","), strict=True))
    handler = ConnectionHandler(
        {alias: settings_of(url, "oms") for alias, url in urls.items()} | {"default": {}}
    )
    assert connection_created.has_listeners()  # routers.connections.register is one of them
    readers = {alias: Reader(handler, alias) for alias in urls}
    with django_db_blocker.unblock():
        for reader in readers.values():
            reader.start()
            assert reader.connected.wait(SECONDS)
        yield readers
        for reader in readers.values():
            reader.may_read.set()
            reader.join(2 * SECONDS)


def asleep(reader: Reader) -> bool:
    """Whether the kernel says that the thread waits."""
    with open(f"/proc/self/task/{reader.native_id}/stat") as stat:  # noqa: PTH123 - read at once
        return stat.read().rpartition(")")[2].split()[0] == "S"


@pytest.mark.cluster
def test_who_waits_for_a_frozen_node_is_woken_and_nobody_else(cluster, readers):
    frozen, other = readers["replica1"], readers["replica2"]
    with cluster.frozen("replica1"):
        frozen.may_read.set()
        frozen.reads.wait(SECONDS)
        wait_until(lambda: asleep(frozen), what="it waits for the answer")
        started = time.monotonic()

        open_connections.sever("replica1")

        frozen.join(SECONDS)
        assert not frozen.is_alive()
        assert time.monotonic() - started < 1
        assert is_connection_error(frozen.error)
    other.may_read.set()
    other.join(SECONDS)

    assert not other.is_alive()
    assert other.error is None


@pytest.mark.cluster
def test_severing_what_is_closed_harms_nobody(cluster, readers):
    for reader in readers.values():
        reader.may_read.set()
        reader.join(SECONDS)

    open_connections.sever("replica1")
    open_connections.sever("nowhere")

    assert [reader.error for reader in readers.values()] == [None, None]
