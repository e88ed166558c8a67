"""When a token was last used: cheap, coarse, and in nobody's way."""

from datetime import timedelta

import pytest
from django.core.cache import caches
from knox.models import AuthToken

from accounts import last_used

pytestmark = pytest.mark.django_db

PATH = "/auth/sessions"


class Cache:
    """Counts writes; fails when it is told to."""

    def __init__(self, cache):
        self.cache, self.writes, self.is_down = cache, 0, False

    def set(self, *args, **kwargs):
        self.writes += 1
        if self.is_down:
            raise ConnectionError
        self.cache.set(*args, **kwargs)

    def get_many(self, keys):
        if self.is_down:
            raise ConnectionError
        return self.cache.get_many(keys)


class Clock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def cache(monkeypatch):
    cache = Cache(caches["default"])
    monkeypatch.setattr(last_used, "caches", {"default": cache})
    return cache


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(last_used, "time", clock)
    monkeypatch.setattr(last_used, "_failed_at", float("-inf"))
    return clock


def test_a_token_is_noted_once_a_minute(member_client, cache, clock):
    for seconds in (0, 10, 59.9):
        clock.now = seconds
        member_client.get(PATH)
    assert cache.writes == 1

    clock.now = 60
    member_client.get(PATH)
    assert cache.writes == 2


def test_each_token_is_noted_by_itself(member, client_of, cache, clock):
    client_of(member).get(PATH)
    client_of(member).get(PATH)

    assert cache.writes == 2


def test_a_refused_token_is_not_noted(member, member_client, cache, clock):
    member.is_active = False
    member.save()

    assert member_client.get(PATH).status_code == 401
    assert cache.writes == 0


def test_without_the_cache_all_goes_on_and_it_is_left_alone(member, client_of, cache, clock, caplog):
    clients = [client_of(member) for _ in range(3)]
    cache.is_down = True

    answers = [client.get("/orders/") for client in clients]

    assert {answer.status_code for answer in answers} == {200}
    assert cache.writes == 1
    assert [record.getMessage() for record in caplog.records if record.name == "accounts.last_used"] == [
        "last_used_unknown reason=ConnectionError"
    ]


def test_without_the_cache_the_list_shows_when_sessions_began(member_client, cache, clock):
    cache.is_down = True

    shown = member_client.get(PATH).json()["results"]

    assert [session["last_used"] for session in shown] == [session["created"] for session in shown]


def test_what_a_process_remembers_is_bounded(member, cache, clock, monkeypatch):
    monkeypatch.setattr(last_used, "REMEMBERED_TOKENS", 3)
    token = AuthToken.objects.get(user=member)

    for number in range(10):
        token.digest = f"digest {number}"
        last_used.note(token)

    assert len(last_used._noted) <= 3


def test_a_note_lives_as_long_as_its_token(member, cache, clock):
    token = AuthToken.objects.get(user=member)
    last_used.note(token)
    assert set(last_used.of([token.digest])) == {token.digest}

    token.digest, token.expiry = "another", token.expiry - timedelta(days=1)
    last_used.note(token)
    assert last_used.of(["another"]) == {}
