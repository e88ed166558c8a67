"""What the page about replication remembers of the last minutes."""

import time

import pytest
from django.core.cache import caches

from routers import journal


@pytest.fixture(autouse=True)
def empty_journal(monkeypatch):
    monkeypatch.setattr(journal, "_unshared", type(journal._unshared)(maxlen=journal.EVENTS))


def note(name="node_out", **facts):
    journal.note_event(name, {"alias": "replica1", "reason": "lagging", **facts})


def test_an_event_is_told_before_and_after_it_is_shared():
    note()
    before = journal.events()
    journal.share()

    assert journal.events() == before
    assert [event[1:] for event in before] == [("node_out", "replica1", "lagging")]
    assert not journal._unshared


def test_what_several_processes_tell_of_at_once_is_told_once():
    note()
    journal.share()
    note(reason="unreachable (2013)")  # another process's words for it
    note(alias="replica2")
    journal.share()

    assert sorted(event[2] for event in journal.events()) == ["replica1", "replica2"]


def test_events_of_more_than_an_hour_ago_are_forgotten():
    old = (time.time() - 2 * journal.EVENT_SECONDS, "node_in", "replica1", "lagging")
    caches["default"].set(journal.KEY, [old])
    note()

    assert [event[1] for event in journal.events()] == ["node_out"]


def test_what_is_counted_by_the_thousand_is_not_kept():
    note("fall_back")

    assert journal.events() == []


def test_a_cache_that_fails_gets_them_the_next_time():
    note()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "caches", {})
        journal.share()
        assert len(journal.events()) == 1
    journal.share()

    assert [event[1] for event in caches["default"].get(journal.KEY)] == ["node_out"]
