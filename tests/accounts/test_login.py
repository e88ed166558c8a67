"""POST /auth/login"""

import pytest
from django.contrib.auth import hashers

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

PATH = "/auth/login"


def test_answers_the_shape_of_registering(anonymous, member):
    answer = anonymous.post(PATH, {"email": member.email, "password": PASSWORD})

    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "token", "expiry"}
    assert answer.json()["user"]["id"] == member.pk


def test_each_login_makes_a_token_of_its_own(anonymous, member):
    tokens = {
        anonymous.post(PATH, {"email": member.email, "password": PASSWORD}).json()["token"] for _ in range(3)
    }

    assert len(tokens) == 3


def test_the_case_of_the_email_does_not_matter(anonymous, member):
    assert anonymous.post(PATH, {"email": member.email.upper(), "password": PASSWORD}).status_code == 200


def test_the_answer_does_not_say_which_part_was_wrong(anonymous, member):
    answers = [
        anonymous.post(PATH, {"email": member.email, "password": "Wrong-password-1"}),
        anonymous.post(PATH, {"email": "nobody@example.com", "password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert list(answers[0].json()) == ["non_field_errors"]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("known", [True, False])
def test_a_password_is_hashed_once_whether_the_email_is_known_or_not(anonymous, member, monkeypatch, known):
    """Hashing is what takes the time: one hash in both cases is the same time in both cases."""
    encoded = []
    hasher = type(hashers.get_hasher())
    original = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda *args: encoded.append(1) or original(*args))

    email = member.email if known else "nobody@example.com"
    anonymous.post(PATH, {"email": email, "password": "Wrong-password-1"})

    assert len(encoded) == 1


def test_an_inactive_member_cannot_log_in(anonymous, member):
    member.is_active = False
    member.save()

    assert anonymous.post(PATH, {"email": member.email, "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"email": "a@example.com"}, [], "text", 7, None])
def test_a_body_of_the_wrong_shape_is_a_400(anonymous, body):
    assert anonymous.post(PATH, body).status_code == 400


def test_password_rules_are_not_applied_when_logging_in(anonymous, member):
    member.set_password("short")
    member.save()

    assert anonymous.post(PATH, {"email": member.email, "password": "short"}).status_code == 200
