"""One node, and how far behind it is."""

import math
from types import SimpleNamespace

import pytest

from routers import replica
from routers.gtid import GTIDSet
from routers.probe import Facts
from routers.replica import History, Node, lag_of

UUID = "00000000-0000-0000-0000-000000000001"


def gtids(numbers: str) -> GTIDSet:
    return GTIDSet.parse(f"{UUID}:{numbers}")


class TestNode:
    def test_begins_in_service_with_nothing(self):
        node = Node("replica1")

        assert node.in_service()
        assert node.contains(GTIDSet())
        assert not node.contains(gtids("1"))

    def test_learns_what_a_wait_has_shown(self):
        node = Node("replica1", executed=gtids("1-3"))
        node.learn(gtids("5"))

        assert node.executed == gtids("1-3:5")

    def test_taken_out_says_why_and_whether_that_is_news(self, caplog):
        node = Node("replica1")

        assert node.take_out("lagging")
        assert not node.take_out("writable")
        assert node.out_because == "writable"
        assert not node.in_service()
        assert caplog.messages == ["node_out alias=replica1 reason=lagging"]

    def test_put_in_is_news_once(self, caplog):
        caplog.set_level("INFO", logger="routers")
        node = Node("replica1")
        node.put_in()
        node.take_out("lagging")
        caplog.clear()
        node.put_in()
        node.put_in()

        assert node.in_service()
        assert caplog.messages == ["node_in alias=replica1 reason=lagging"]

    def test_taken_out_keeps_its_connections(self):
        node = Node("replica1")
        node.take_out("lagging")

        assert node.incarnation == 0

    def test_lost_gives_its_connections_up(self):
        node = Node("replica1")

        assert node.lose("unreachable")
        assert node.incarnation == 1

    def test_lost_while_out_of_service_gives_its_connections_up_too(self):
        node = Node("replica1")
        node.take_out("lagging")

        assert not node.lose("unreachable")
        assert node.incarnation == 1

    def test_answers_when_in_service_or_seen_at_the_last_look(self):
        node = Node("replica1")
        assert node.answers()
        node.take_out("lagging")
        assert not node.answers()
        node.facts = Facts(UUID, read_only=True, gtid_mode="ON", executed=GTIDSet())
        assert node.answers()

    def test_grows_older_since_the_last_look(self, monkeypatch):
        monkeypatch.setattr(replica, "time", SimpleNamespace(monotonic=lambda: 107.0))

        assert Node("replica1", lag_at_most=2.0, probed_at=100.0).staleness() == 9.0
        assert Node("replica1", lag_at_most=2.0).staleness() == 2.0


@pytest.fixture
def history() -> History:
    """The primary had 1 at 10 s, 1-2 at 11 s, still that at 12 s, and 1-3 at 13 s."""
    history = History()
    for at, executed in ((10.0, "1"), (11.0, "1-2"), (12.0, "1-2"), (13.0, "1-3")):
        history.add(gtids(executed), at)
    return history


class TestHistoryBehind:
    def test_is_nothing_for_who_has_the_newest(self, history):
        assert history.behind(gtids("1-3"), now=13.5) == (0.0, 0.0)

    def test_is_nothing_for_who_has_more(self, history):
        assert history.behind(gtids("1-9"), now=13.5) == (0.0, 0.0)

    def test_is_between_the_looks_before_and_after_what_is_missing_came(self, history):
        assert history.behind(gtids("1-2"), now=14.0) == (1.0, 2.0)
        assert history.behind(gtids("1"), now=14.0) == (3.0, 4.0)

    def test_takes_a_gap_for_missing(self, history):
        assert history.behind(gtids("1:3"), now=14.0) == (3.0, 4.0)

    def test_has_no_upper_bound_beyond_the_first_look(self, history):
        assert history.behind(GTIDSet(), now=14.0) == (4.0, math.inf)

    def test_is_unknown_without_a_look(self):
        assert History().behind(gtids("1"), now=14.0) == (0.0, math.inf)

    def test_forgets_the_oldest_looks(self):
        history = History(length=2)
        for number in range(1, 5):
            history.add(gtids(f"1-{number}"), at=float(number))

        assert history.behind(gtids("1"), now=5.0) == (2.0, math.inf)


def facts(executed: str, *, behind: float | None = None) -> Facts:
    return Facts(UUID, read_only=True, gtid_mode="ON", executed=gtids(executed), behind=behind)


class TestLag:
    def test_is_nothing_for_who_has_the_newest_whatever_the_applier_says(self, history):
        assert lag_of(facts("1-3", behind=7.0), history, now=14.0) == (0.0, 0.0)

    def test_of_an_idle_applier_is_what_the_looks_say(self, history):
        assert lag_of(facts("1-2"), history, now=14.0) == (1.0, 2.0)

    @pytest.mark.parametrize(
        ("behind", "lag"), [(0.5, (1.0, 2.0)), (1.25, (1.25, 2.0)), (60.0, (60.0, 60.0))]
    )
    def test_of_a_busy_applier_is_never_less_than_its_time_stamps_say(self, history, behind, lag):
        assert lag_of(facts("1-2", behind=behind), history, now=14.0) == lag
