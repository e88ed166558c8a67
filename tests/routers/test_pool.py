"""Choosing a replica."""

from collections import Counter

import pytest

from routers import pool, testing


@pytest.fixture(autouse=True)
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


def first_choice(affinity: str | None) -> str:
    return pool.ranked(affinity)[0].alias


def test_the_same_affinity_gets_the_same_replica():
    assert len({first_choice("member 7") for _ in range(50)}) == 1


def test_clients_are_spread():
    chosen = Counter(first_choice(f"member {number}") for number in range(1000))

    assert set(chosen) == {"replica1", "replica2"}
    assert min(chosen.values()) > 400


def test_weights_are_heeded(twin):
    twin.nodes["replica1"].weight = 3.0
    chosen = Counter(first_choice(f"member {number}") for number in range(2000))

    assert 2 < chosen["replica1"] / chosen["replica2"] < 4.5


def test_a_replica_that_goes_moves_only_its_own_clients(twin):
    clients = [f"member {number}" for number in range(200)]
    before = {client: first_choice(client) for client in clients}

    twin.nodes["replica1"].take_out("test")

    moved = [client for client in clients if first_choice(client) != before[client]]
    assert moved
    assert all(before[client] == "replica1" for client in moved)


def test_without_affinity_the_least_outstanding_comes_first(twin):
    twin.nodes["replica1"].outstanding = 2
    assert first_choice(None) == "replica2"
    twin.nodes["replica1"].weight = 10.0
    assert first_choice(None) == "replica1"


def test_without_replicas_there_is_none(twin):
    for node in twin.nodes.replicas.values():
        node.take_out("test")

    assert pool.ranked("member 7") == pool.ranked(None) == []


def test_the_bucket_lets_its_rate_pass_and_no_more():
    bucket = pool.TokenBucket(rate=2)
    start = bucket._at

    assert [bucket.take(start) for _ in range(3)] == [True, True, False]
    assert not bucket.take(start + 0.4)
    assert bucket.take(start + 0.6)
