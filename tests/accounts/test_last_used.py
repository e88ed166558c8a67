"""When a token was last used: cheap, coarse, and in nobody's way."""

import threading
from datetime import timedelta

import pytest
from django.core.cache import caches
from knox.models import AuthToken

from accounts import last_used

pytestmark = pytest.mark.django_db

PATH = "/auth/sessions"
WRITE_LATER = last_used._write_later  # tests do without, mostly


class Cache:
    """Counts what is written; fails when it is told to."""

    def __init__(self, cache):
        self.cache, self.writes, self.notes, self.is_down = cache, 0, 0, False

    def set_many(self, data, timeout):
        self.writes += 1
        if self.is_down:
            raise ConnectionError
        self.notes += len(data)
        self.cache.set_many(data, timeout=timeout)

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
        last_used.write()
    assert cache.notes == 1

    clock.now = 60
    member_client.get(PATH)
    last_used.write()
    assert cache.notes == 2


def test_notes_are_written_together_and_not_while_a_request_waits(member, client_of, cache, clock):
    for client in (client_of(member), client_of(member)):
        client.get(PATH)
    assert cache.writes == 0

    last_used.write()
    assert (cache.writes, cache.notes) == (1, 2)


def test_the_first_note_sees_to_it_that_all_are_written(member, client_of, cache, clock, monkeypatch):
    written = threading.Event()
    monkeypatch.setattr(last_used, "_write_later", WRITE_LATER)
    monkeypatch.setattr(last_used, "GATHERED_FOR", 0.01)
    monkeypatch.setattr(last_used, "write", written.set)

    client_of(member).get(PATH)

    assert written.wait(10)


def test_what_was_not_written_yet_is_known_to_who_noted_it(member_client, cache, clock):
    first, second = (member_client.get(PATH).json()["results"][0]["last_used"] for _ in range(2))

    assert cache.notes == 0
    assert first == second


def test_a_refused_token_is_not_noted(member, member_client, cache, clock):
    member.is_active = False
    member.save()

    assert member_client.get(PATH).status_code == 401
    assert last_used._unwritten == {}


def test_without_the_cache_all_goes_on_and_it_is_left_alone(member, client_of, cache, clock, caplog):
    clients = [client_of(member) for _ in range(3)]
    cache.is_down = True

    answers = []
    for client in clients:
        answers.append(client.get("/orders/"))
        if last_used._unwritten:
            last_used.write()

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


def test_a_note_lives_as_long_as_a_token_may(member, cache, clock, settings):
    token = AuthToken.objects.get(user=member)
    for hours, known in ((1, {token.digest}), (-1, set())):
        settings.REST_KNOX = {"TOKEN_TTL": timedelta(hours=hours)}
        last_used._noted.clear()
        last_used.note(token)
        last_used.write()
        assert set(last_used.of([token.digest])) == known
