"""An answer is held back until it misleads nobody that its writes are recorded nowhere."""

import pytest

from routers import freshness, positions, testing
from routers.scope import Story
from routers.store import StoreLost


@pytest.fixture
def twin(monkeypatch):
    monkeypatch.setattr(freshness, "TRY_SECONDS", 0.0)
    with testing.Twin("replica1", "replica2") as twin:
        twin.delays = {"replica1": 100.0, "replica2": 100.0}
        yield twin


@pytest.fixture
def story(twin) -> Story:
    """It has committed, and no replica has that."""
    return Story(own=twin.commit())


@pytest.fixture
def asked(monkeypatch) -> list[bool]:
    """What the store says to each question from now on, the first one last; then it answers."""
    answers: list[bool] = []

    def current_epoch() -> str:
        if answers and not answers.pop():
            raise StoreLost
        return "epoch"

    monkeypatch.setattr(positions.store, "current_epoch", current_epoch)
    return answers


def test_until_the_store_has_a_new_epoch(twin, story, asked, caplog):
    asked += [False, False, False]
    freshness.make_known(story)

    assert asked == []
    assert "position_unknown" not in caplog.text


def test_until_every_replica_in_service_has_it(twin, story, asked, caplog):
    asked += [False] * 50
    twin.nodes["replica1"].executed = story.own
    twin.nodes["replica2"].take_out("lagging")
    freshness.make_known(story)

    assert len(asked) == 49


def test_but_not_for_ever(twin, story, asked, caplog):
    asked += [False] * 500
    freshness.make_known(story)

    assert len(asked) == 500 - freshness.TRIES
    assert "position_unknown" in caplog.text
