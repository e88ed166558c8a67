"""Acknowledged writes that a new primary does not contain. (For real: tests/replication/test_failover.py.)"""

from dataclasses import replace

import pytest

from routers import lost, positions, testing
from routers.gtid import GTIDSet
from routers.probe import Facts
from routers.scope import Story

OTHER = "00000000-0000-0000-0000-000000000002"
MEMBER = 7


def gtids(numbers: str) -> GTIDSet:
    return GTIDSet.parse(f"{testing.UUID}:{numbers}")


NEW = Facts(OTHER, read_only=False, gtid_mode="ON", executed=gtids("1-5"))


@pytest.fixture(autouse=True)
def twin(monkeypatch):
    monkeypatch.setattr(lost, "_acknowledged", GTIDSet())
    monkeypatch.setattr(lost, "_in_doubt", GTIDSet())
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


def reported() -> GTIDSet:
    found = lost.known()
    return found[0] if found else GTIDSet()


def test_what_the_new_primary_has_not_is_lost():
    lost.acknowledge(gtids("4-7"))
    lost.suspect_all()
    lost.compare(NEW)

    assert reported() == gtids("6-7")


def test_what_it_has_received_is_not_lost_yet():
    lost.acknowledge(gtids("4-7"))
    lost.suspect_all()
    lost.compare(replace(NEW, received=gtids("6")))
    assert reported() == gtids("7")
    lost.compare(replace(NEW, executed=gtids("1-6")))

    assert reported() == gtids("7")


def test_the_same_primary_loses_nothing():
    """It was asked a moment before it committed."""
    lost.acknowledge(gtids("6"))
    lost.compare(NEW)

    assert reported() == GTIDSet()


def test_what_every_replica_has_is_no_longer_remembered(twin):
    for node in twin.nodes.replicas.values():
        node.facts, node.executed = NEW, gtids("1-6")
    twin.nodes["replica2"].executed = gtids("1-5")
    lost.acknowledge(gtids("5-6"))
    lost.compare(NEW)

    assert lost._acknowledged == gtids("6")


def test_each_is_counted_once_and_all_are_kept(monkeypatch):
    counted = []
    monkeypatch.setattr(lost.metrics, "count_lost", counted.append)
    lost.report(gtids("6-7"))
    lost.report(gtids("7-9"))
    lost.report(GTIDSet())

    assert counted == [2, 2]
    assert reported() == gtids("6-9")
    lost.clear()
    assert lost.known() is None


def test_a_member_is_told_and_then_asks_for_the_rest_only():
    positions.record([MEMBER], gtids("5-7"), positions.announce([MEMBER]))
    story = Story(member=MEMBER)
    lost.tell(story, gtids("6-7"))

    assert story.lost == gtids("6-7")
    assert positions.of(MEMBER).gtids == gtids("5")
    assert reported() == gtids("6-7")
