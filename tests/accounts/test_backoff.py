"""Wrong passwords cost time: POST /auth/login after a few of them."""

import threading
from hashlib import sha256

import pytest
from django.contrib.auth import hashers
from django.core.cache import caches

from accounts.backoff import Backoff, Count
from accounts.errors import LoginRefused, TooManyFailures
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

PATH = "/auth/login"
ADDRESS = "198.51.100.1"


@pytest.fixture
def guess(anonymous, stopped_clock):
    """Logs in, with a wrong password unless told another."""

    def guess(email, *, address=ADDRESS, password="Wrong-password-1"):
        return anonymous.post(PATH, {"email": email, "password": password}, REMOTE_ADDR=address)

    return guess


def waits(guess, clock, emails, addresses, tries):
    """Seconds that each guess cost, by `Retry-After`, obeyed at once."""
    cost = []
    for number in range(tries):
        email, address = emails(number), addresses(number)
        answer = guess(email, address=address)
        seconds = int(answer.headers.get("Retry-After", 0))
        cost.append(seconds)
        clock.now += seconds
        if seconds:
            assert answer.status_code == 429
            answer = guess(email, address=address)
        assert answer.status_code == 400
    return cost


def test_a_wait_doubles_up_to_a_minute_by_email_whatever_the_address(guess, stopped_clock, member):
    cost = waits(guess, stopped_clock, lambda n: member.email, lambda n: f"198.51.100.{n}", tries=15)

    assert cost == [0] * 6 + [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_wait_doubles_up_to_a_quarter_of_an_hour_by_address_whatever_the_email(guess, stopped_clock):
    cost = waits(guess, stopped_clock, lambda n: f"nobody{n}@example.com", lambda n: ADDRESS, tries=18)

    assert cost == [0] * 6 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_the_answers_are_the_same_for_an_unknown_email(guess, member, stopped_clock):
    def answers(email, address):
        return [(a.status_code, a.json()) for a in (guess(email, address=address) for _ in range(8))]

    assert answers(member.email, ADDRESS) == answers("nobody@example.com", "198.51.100.2")


def test_the_right_password_has_to_wait_too_and_nothing_is_hashed_meanwhile(
    guess, member, stopped_clock, monkeypatch
):
    for _ in range(6):
        guess(member.email)
    hashed = []
    hasher = type(hashers.get_hasher())
    original = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda *args: hashed.append(1) or original(*args))

    assert guess(member.email, password=PASSWORD).status_code == 429
    assert hashed == []

    stopped_clock.now += 1
    assert guess(member.email, password=PASSWORD).status_code == 200
    assert hashed == [1]


def test_a_success_clears_the_count_of_the_email(guess, member):
    for _ in range(5):
        guess(member.email)
    assert guess(member.email, address="198.51.100.2", password=PASSWORD).status_code == 200

    answers = [guess(member.email, address="198.51.100.3") for _ in range(6)]
    assert {answer.status_code for answer in answers} == {400}


def test_a_success_does_not_clear_the_count_of_the_address_nor_add_to_it(guess, member):
    for number in range(5):
        guess(f"nobody{number}@example.com")
        assert guess(member.email, password=PASSWORD).status_code == 200

    assert guess("nobody@example.com").status_code == 400
    assert guess(member.email, password=PASSWORD).status_code == 429


def test_an_email_that_has_to_wait_costs_its_address_nothing(guess, member):
    """Else whoever knows the email of somebody at an address could close it for all who share it."""
    for number in range(6):
        guess(member.email, address=f"203.0.113.{number}")
    for _ in range(10):
        assert guess(member.email).status_code == 429

    assert guess("nobody@example.com").status_code == 400
    assert guess("nobody@example.com").status_code == 400


@pytest.mark.parametrize("spelling", ["MEMBER@example.com", "member@EXAMPLE.com", " member@example.com"])
def test_another_spelling_is_the_same_email(guess, spelling):
    for number in range(6):
        guess("member@example.com", address=f"203.0.113.{number}")

    assert guess(spelling).status_code == 429


@pytest.mark.parametrize("letter", ["\uff4d", "m\u00ad", "m\u200b"])  # full-width; followed by nothing seen
def test_a_spelling_that_only_mysql_takes_for_the_same_opens_nothing(guess, member, letter):
    """It would be counted as another email: an attacker had as many free guesses as spellings."""
    member.email = "member@example.com"
    member.save()

    assert guess("member@example.com", password=PASSWORD).status_code == 200
    assert guess(letter + "ember@example.com", password=PASSWORD).status_code == 400


def test_the_addresses_of_one_ipv6_network_are_one(guess):
    answers = [guess(f"nobody{n}@example.com", address=f"2001:db8::{n}") for n in range(7)]

    assert [answer.status_code for answer in answers] == [400] * 6 + [429]
    assert guess("nobody@example.com", address="2001:db8:0:1::1").status_code == 400


def fail(backoff, email, address=ADDRESS):
    with pytest.raises(LoginRefused), backoff.attempt(email=email, address=address):
        raise LoginRefused


def all_at_once(number, action):
    """The action by as many threads, each inside its attempt before the first has ended; what they say."""
    said, start = [], threading.Barrier(number)

    def run(index):
        start.wait(10)
        said.append(action(index))

    threads = [threading.Thread(target=run, args=[index]) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def test_of_many_guesses_at_the_same_time_one_gets_through(stopped_clock):
    backoff, refused = Backoff(stopped_clock), threading.Semaphore(0)
    for number in range(5):
        fail(backoff, "a@example.com", address=f"203.0.113.{number}")

    def guess(index):
        try:
            with backoff.attempt(email="a@example.com", address=ADDRESS):
                assert all(refused.acquire(timeout=10) for _ in range(7))  # not before the others were
                raise LoginRefused
        except TooManyFailures as error:
            refused.release()
            return error.wait
        except LoginRefused:
            return "looked at"

    assert sorted(all_at_once(8, guess), key=str) == [1.0] * 7 + ["looked at"]


def test_many_log_in_from_one_address_at_the_same_time(stopped_clock):
    backoff, inside = Backoff(stopped_clock), threading.Barrier(12)

    def log_in(index):
        with backoff.attempt(email=f"{index}@example.com", address=ADDRESS):
            inside.wait(10)
        return "logged in"

    assert all_at_once(12, log_in) == ["logged in"] * 12


def test_what_tells_nothing_of_the_password_counts_nothing(stopped_clock):
    """The primary is down, say."""
    backoff = Backoff(stopped_clock)
    for _ in range(10):
        with pytest.raises(ConnectionError), backoff.attempt(email="a@example.com", address=ADDRESS):
            raise ConnectionError

    with backoff.attempt(email="a@example.com", address=ADDRESS):
        pass


def test_however_many_failures_the_wait_is_bounded(stopped_clock):
    count = Count(failures=10**6).one_more(now=0.0, longest=60)

    assert count == Count(10**6 + 1, 60)


def test_limits_are_settings(guess, settings, stopped_clock):
    settings.LOGIN_BACKOFF = {"FREE_FAILURES": 0, "EMAIL_SECONDS": 3, "ADDRESS_SECONDS": 3}

    assert waits(guess, stopped_clock, lambda n: "a@example.com", lambda n: ADDRESS, tries=5) == [
        0,
        1,
        2,
        3,
        3,
    ]


def test_the_cache_holds_hashes_and_no_email(guess, monkeypatch):
    keys, cache = [], type(caches["local"])
    update = cache.update
    monkeypatch.setattr(
        cache, "update", lambda self, key, *a, **kw: keys.append(key) or update(self, key, *a, **kw)
    )

    guess("member@example.com")

    assert keys == [
        f"backoff:email:{sha256(b'member@example.com').hexdigest()}",
        f"backoff:address:{sha256(ADDRESS.encode()).hexdigest()}",
    ]
