"""Reads that outlive their request."""

import pytest
from django.db import OperationalError
from django.db import router as django_router

from orders.models import Order
from routers import consistency, levels, pool, positions, scope, testing, tokens
from routers.continuation import ATTEMPTS, Continuation
from routers.errors import NoNodeAvailable

GONE = OperationalError(2013, "Lost connection to MySQL server during query")


@pytest.fixture(autouse=True)
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


def where() -> str:
    return django_router.db_for_read(Order)


def test_stays_with_the_replica_of_the_request():
    with testing.request(member=7):
        continuation = Continuation()
        first = continuation.read(where)

    assert first in {"replica1", "replica2"}
    assert [continuation.read(where) for _ in range(3)] == [first] * 3


def test_sees_what_the_member_has_written_since(twin):
    with testing.request(member=7):
        continuation = Continuation()
    write = twin.commit()
    positions.record([7], write, {})

    assert continuation.read(where) == "default"
    twin.apply("replica2")
    assert continuation.read(where) == "replica2"


def test_another_members_writes_do_not_matter(twin):
    with testing.request(member=7):
        continuation = Continuation()
    positions.record([8], twin.commit(), {})

    assert continuation.read(where) != "default"


def test_asks_the_next_node_when_one_is_lost():
    with testing.request(member=7):
        continuation = Continuation()
    asked = []

    def ask():
        asked.append(where())
        if len(asked) < ATTEMPTS:
            raise GONE
        return "answer"

    assert continuation.read(ask) == "answer"
    assert set(asked) == {"replica1", "replica2", "default"}


def test_gives_up_when_every_node_is_lost():
    continuation = Continuation()

    def ask():
        where()
        raise GONE

    with pytest.raises((OperationalError, NoNodeAvailable)):
        continuation.read(ask)


def test_another_error_is_not_the_nodes_fault():
    continuation = Continuation()
    asked = []

    def ask():
        asked.append(where())
        raise LookupError

    with pytest.raises(LookupError):
        continuation.read(ask)
    assert len(asked) == 1
    assert all(node.in_service() for node in pool.nodes())


def test_leaves_nothing_behind():
    Continuation().read(where)

    assert scope.current() is None
    assert [node.outstanding for node in pool.nodes()] == [0, 0, 0]


def test_of_a_command_has_what_was_committed_when_it_began(twin):
    twin.commit()
    continuation = Continuation(wait_seconds=4)

    assert continuation.read(where) == "default"
    assert [seconds for _, _, seconds in twin.waits] == [2, 1]  # half of what is left, each
    assert continuation.read(where) == "default"
    assert all(seconds < 0.1 for _, _, seconds in twin.waits[2:])  # no such wait a second time
    twin.apply()
    twin.commit()
    assert continuation.read(where) != "default"


def test_strong_stays_strong():
    with testing.request(member=7, level=levels.STRONG):
        continuation = Continuation()

    assert continuation.read(where) == "default"


@pytest.mark.parametrize("enter", ["use_replica", "resume"])
def test_a_block_gives_its_replica_back(twin, enter):
    arguments = [tokens.make(twin.commit())] if enter == "resume" else []
    twin.apply()
    with getattr(consistency, enter)(*arguments):
        where()
        assert sum(node.outstanding for node in pool.nodes()) == 1

    assert [node.outstanding for node in pool.nodes()] == [0, 0, 0]
