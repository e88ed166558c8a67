"""A write position that a client carries."""

from types import SimpleNamespace

import pytest
from django.core import signing

from routers import positions, testing, tokens
from routers.gtid import GTIDSet
from routers.store import StoreLost
from routers.tokens import LONGEST, SALT, BadToken

WRITTEN = GTIDSet.parse(f"{testing.UUID}:1-3:7")


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_700_000_000.0)
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def lost(monkeypatch):
    def fail():
        raise StoreLost

    return lambda: monkeypatch.setattr(positions.store, "current_epoch", fail)


def gappy(intervals: int) -> GTIDSet:
    numbers = ":".join(str(2 * number) for number in range(1, intervals + 1))
    return GTIDSet.parse(f"{testing.UUID}:{numbers}")


def test_what_was_made_is_read():
    assert tokens.read(tokens.make(WRITTEN)) == WRITTEN


def test_it_fits_a_header_and_a_cookie():
    token = tokens.make(WRITTEN)

    assert token.isascii()
    assert not set(token) & set(' ",;\\')
    assert len(token) < 200


class TestNoToken:
    def test_is_made_of_nothing(self):
        assert tokens.make(GTIDSet()) == ""

    def test_is_made_of_too_much(self):
        assert tokens.make(gappy(1000)) == ""

    def test_is_made_while_the_store_is_lost(self, lost):
        lost()

        assert tokens.make(WRITTEN) == ""


def test_the_longest_that_is_made_is_read():
    longest = max((token for intervals in range(1, 400) if (token := tokens.make(gappy(intervals)))), key=len)

    assert LONGEST - 20 < len(longest) <= LONGEST
    assert tokens.read(longest)


class TestABadToken:
    @pytest.mark.parametrize(
        "text", ["", "x", "a:b:c", "a:b:c:d", "\x00", "토큰", "💥:💥:💥", "x" * (LONGEST + 1)]
    )
    def test_is_one_that_is_none(self, text):
        with pytest.raises(BadToken, match="leave it out"):
            tokens.read(text)

    @pytest.mark.parametrize("at", [0, 10, -1])
    def test_is_one_that_was_damaged(self, at):
        token = tokens.make(WRITTEN)
        place = at % len(token)
        damaged = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

        with pytest.raises(BadToken):
            tokens.read(damaged)

    def test_is_one_with_another_key(self, settings):
        token = tokens.make(WRITTEN)
        settings.SECRET_KEY = "another" * 10

        with pytest.raises(BadToken):
            tokens.read(token)

    def test_is_one_signed_for_something_else(self):
        text = (positions.store.current_epoch(), str(WRITTEN))

        with pytest.raises(BadToken):
            tokens.read(signing.dumps(text, salt="session"))

    def test_is_one_that_names_no_set(self):
        text = (positions.store.current_epoch(), "everything")

        with pytest.raises(BadToken):
            tokens.read(signing.dumps(text, salt=SALT))

    def test_is_never_unpacked_when_it_is_long(self, monkeypatch):
        monkeypatch.setattr(signing, "loads", None)

        with pytest.raises(BadToken):
            tokens.read("x" * (LONGEST + 1))


class TestAUselessToken:
    def test_is_one_older_than_positions_live(self, clock, settings):
        settings.ROUTERS = {**settings.ROUTERS, "POSITION_SECONDS": 600}
        token = tokens.make(WRITTEN)
        clock.now += 600
        assert tokens.read(token) == WRITTEN

        clock.now += 1
        assert tokens.read(token) is None

    def test_is_one_of_another_epoch(self):
        token = tokens.make(WRITTEN)
        positions.store.forget_all()

        assert tokens.read(token) is None

    def test_is_one_while_the_store_is_lost(self, lost):
        token = tokens.make(WRITTEN)
        lost()

        assert tokens.read(token) is None
