"""How often somebody may try to register or log in."""

import pytest
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_a_minute(monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"register": "3/min", "login": "3/min"})


def log_in(client, email, address="198.51.100.1", **headers):
    return client.post("/auth/login", {"email": email, "password": PASSWORD}, REMOTE_ADDR=address, **headers)


def test_logins_are_counted_by_address(anonymous):
    answers = [log_in(anonymous, f"nobody{n}@example.com") for n in range(4)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert log_in(anonymous, "nobody@example.com", address="198.51.100.2").status_code == 400


def test_logins_are_counted_by_email_whatever_the_address_and_the_case(anonymous, member):
    answers = [log_in(anonymous, member.email, address=f"198.51.100.{n}") for n in range(3)]
    answers.append(log_in(anonymous, member.email.upper(), address="198.51.100.99"))

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_registrations_are_counted(anonymous):
    answers = [anonymous.post("/accounts/users", {"email": f"{n}@example.com"}) for n in range(4)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]


def test_each_429_says_when_to_come_back_also_after_the_rate_was_lowered(anonymous, monkeypatch):
    for number in range(3):
        log_in(anonymous, f"nobody{number}@example.com")
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"register": "1/min", "login": "1/min"})

    answer = log_in(anonymous, "nobody@example.com")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


def test_the_addresses_of_one_ipv6_network_are_one(anonymous):
    answers = [log_in(anonymous, f"nobody{n}@example.com", address=f"2001:db8::{n}") for n in range(4)]

    assert answers[-1].status_code == 429


def test_a_forged_forwarded_address_changes_nothing(anonymous):
    """Believed only as far as TRUSTED_PROXIES says; by default not at all."""
    assert api_settings.NUM_PROXIES == 0
    answers = [
        log_in(anonymous, f"nobody{n}@example.com", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}") for n in range(4)
    ]

    assert answers[-1].status_code == 429


def test_reading_is_not_throttled(member_client):
    assert {member_client.get("/accounts/users").status_code for _ in range(10)} == {200}
