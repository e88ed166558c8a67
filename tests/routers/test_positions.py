"""Who must see which write."""

from types import SimpleNamespace

import pytest

from routers import positions, testing
from routers.gtid import GTIDSet
from routers.positions import IN_FLIGHT_SECONDS, MANY_INTERVALS, NOTHING
from routers.store import Store, StoreLost

MEMBER, OTHER = 7, 8


def gtids(numbers: str) -> GTIDSet:
    return GTIDSet.parse(f"{testing.UUID}:{numbers}")


@pytest.fixture(autouse=True)
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(positions, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def lost(monkeypatch) -> None:
    """Call it, and the store is lost."""

    def fail(*args, **kwargs):
        raise StoreLost

    def lose():
        for name in ("read", "write", "update"):
            monkeypatch.setattr(positions.store, name, fail)

    return lose


def written(numbers: str, *members: int) -> None:
    members = members or (MEMBER,)
    assert positions.record(members, gtids(numbers), positions.announce(members))


def test_who_wrote_nothing_must_see_nothing():
    assert positions.of(MEMBER) == NOTHING
    assert not NOTHING.gtids
    assert not NOTHING.in_flight


class TestAnAnnouncement:
    def test_is_in_flight_until_it_is_recorded(self):
        announced = positions.announce({MEMBER})
        assert positions.of(MEMBER).in_flight

        positions.record({MEMBER}, gtids("1"), announced)
        assert not positions.of(MEMBER).in_flight

    def test_concerns_its_members_alone(self):
        announced = positions.announce({MEMBER, OTHER})

        assert announced.keys() == {MEMBER, OTHER}
        assert positions.of(OTHER).in_flight
        assert not positions.of(9).in_flight

    def test_of_one_request_does_not_end_that_of_another(self):
        first, second = positions.announce({MEMBER}), positions.announce({MEMBER})
        positions.record({MEMBER}, gtids("1"), first)
        assert positions.of(MEMBER).in_flight

        positions.record({MEMBER}, gtids("2"), second)
        assert not positions.of(MEMBER).in_flight

    def test_keeps_what_was_written_before(self):
        written("1")
        positions.announce({MEMBER})

        assert positions.of(MEMBER).gtids == gtids("1")

    def test_that_was_rolled_back_leaves_nothing(self):
        announced = positions.announce({MEMBER})
        positions.record({MEMBER}, GTIDSet(), announced)

        assert positions.of(MEMBER) == NOTHING

    def test_of_a_process_that_died_ends_some_time(self, clock):
        positions.announce({MEMBER})
        clock.now += IN_FLIGHT_SECONDS - 1
        assert positions.of(MEMBER).in_flight

        clock.now += 1
        assert not positions.of(MEMBER).in_flight

    def test_of_a_process_that_died_is_swept_with_the_next_one(self, clock):
        positions.announce({MEMBER})
        clock.now += IN_FLIGHT_SECONDS
        positions.announce({MEMBER})

        _, _, in_flight = positions.store.read(f"routers:member:{MEMBER}")
        assert list(in_flight.values()) == [clock.now]


class TestARecord:
    def test_is_seen_by_other_processes(self):
        written("3")
        other_process = Store()

        assert other_process.read(f"routers:member:{MEMBER}") == (other_process.epoch, str(gtids("3")), {})

    def test_adds_to_what_was_written_before(self):
        written("3")
        written("5")

        assert positions.of(MEMBER).gtids == gtids("3:5")

    def test_counts_for_each_member_it_concerns(self):
        written("3", MEMBER, OTHER)

        assert positions.of(MEMBER).gtids == positions.of(OTHER).gtids == gtids("3")

    def test_counts_without_an_announcement(self):
        assert positions.record({MEMBER}, gtids("3"), {})

        assert positions.of(MEMBER).gtids == gtids("3")

    def test_drops_what_every_replica_contains(self, twin):
        written("1")
        for replica in twin.nodes.replicas.values():
            replica.executed = gtids("1")
        written("2")

        assert positions.of(MEMBER).gtids == gtids("2")

    def test_drops_nothing_that_a_replica_lacks_even_one_out_of_service(self, twin):
        written("1")
        twin.nodes["replica1"].executed = gtids("1")
        twin.nodes["replica2"].take_out("test")
        written("2")

        assert positions.of(MEMBER).gtids == gtids("1-2")

    def test_drops_nothing_without_replicas(self, twin):
        written("1")
        twin.nodes.replicas.clear()
        written("2")

        assert positions.of(MEMBER).gtids == gtids("1-2")

    def test_of_many_gaps_is_rounded_up_to_what_there_is(self, twin):
        """A number that the primary never gave would be waited for in vain."""
        gappy = gtids(":".join(str(2 * number) for number in range(1, MANY_INTERVALS + 2)))
        twin.nodes.primary.executed = gtids("1-50:52-200")
        written(str(gappy).partition(":")[2])
        assert positions.of(MEMBER).gtids == gappy
        written("1000")

        position = positions.of(MEMBER).gtids
        assert position == gtids(f"2-50:52-{2 * MANY_INTERVALS + 2}:1000")
        assert position.contains(gappy)

    def test_of_lost_transactions_is_forgotten(self):
        written("5-7")
        positions.forget(MEMBER, gtids("6"))

        assert positions.of(MEMBER).gtids == gtids("5:7")

    def test_of_few_gaps_is_kept_as_it_is(self):
        gappy = gtids(":".join(str(2 * number) for number in range(1, MANY_INTERVALS + 1)))
        written(str(gappy).partition(":")[2])
        written("1000")

        assert positions.of(MEMBER).gtids == gappy | gtids("1000")


class TestForgetting:
    def test_makes_positions_count_no_longer(self):
        written("9")
        positions.forget_all()

        assert positions.of(MEMBER) == NOTHING

    def test_takes_replicas_out_until_they_are_looked_at(self, twin):
        positions.forget_all()

        assert not any(node.in_service() for node in twin.nodes.replicas.values())
        assert twin.nodes.primary.in_service()

    def test_starts_entries_afresh(self):
        written("9")
        positions.forget_all()
        written("1")

        assert positions.of(MEMBER).gtids == gtids("1")


class TestALostStore:
    def test_says_of_no_position_that_there_is_none(self, lost):
        written("1")
        lost()

        with pytest.raises(StoreLost):
            positions.of(MEMBER)

    def test_is_answered_by_a_record_and_told(self, lost, caplog):
        announced = positions.announce({MEMBER})
        lost()

        assert not positions.record({MEMBER}, gtids("1"), announced)
        assert caplog.messages[-1].startswith("positions_forgotten")

    def test_does_not_stop_an_announcement(self, lost):
        lost()

        assert positions.announce({MEMBER}).keys() == {MEMBER}

    def test_knows_no_owner(self, lost):
        positions.set_owner("digest", MEMBER)
        lost()
        positions.set_owner("digest", OTHER)

        assert positions.owner_of("digest") is None


def test_the_owner_of_a_token_is_known_to_other_processes():
    positions.set_owner("digest", MEMBER)

    assert positions.owner_of("digest") == MEMBER
    assert positions.owner_of("another") is None
    assert Store().read("routers:token:digest") == MEMBER
