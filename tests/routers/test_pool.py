"""Choosing a replica."""

from collections import Counter

from routers import pool


def test_the_same_affinity_gets_the_same_replica():
    assert len({pool.choose("Token abc") for _ in range(50)}) == 1


def test_clients_are_spread():
    chosen = Counter(pool.choose(f"Token {number}") for number in range(1000))

    assert set(chosen) == {"replica1", "replica2"}
    assert min(chosen.values()) > 400


def test_a_replica_that_goes_moves_only_its_own_clients(settings):
    clients = [f"Token {number}" for number in range(200)]
    before = {client: pool.choose(client) for client in clients}

    settings.ROUTERS = {"REPLICAS": ["replica2"]}

    moved = [client for client in clients if pool.choose(client) != before[client]]
    assert moved
    assert all(before[client] == "replica1" for client in moved)


def test_without_replicas_there_is_none(settings):
    settings.ROUTERS = {"REPLICAS": []}

    assert pool.choose("Token abc") is None
    assert pool.choose(None) is None
