"""POST /auth/password"""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from rest_framework.throttling import SimpleRateThrottle

from accounts.errors import LoginRefused, WrongPassword
from accounts.models import Member
from accounts.passwords import change_password
from accounts.services import log_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

PATH = "/auth/password"
NEW = "Another-horse-8"


def change(client, **changes):
    return client.post(PATH, {"current_password": PASSWORD, "password": NEW, **changes})


def test_changes_the_password_and_revokes_all_other_tokens(member, client_of):
    phone, laptop = client_of(member), client_of(member)

    assert change(phone).status_code == 204

    assert phone.get("/orders/").status_code == 200
    assert laptop.get("/orders/").status_code == 401
    assert phone.get("/auth/sessions").json()["count"] == 1
    assert authenticate(username=member.email, password=NEW) == member
    assert authenticate(username=member.email, password=PASSWORD) is None


def test_leaves_the_tokens_of_others(member_client, client_of, other):
    stranger = client_of(other)

    change(member_client)

    assert stranger.get("/orders/").status_code == 200


def test_a_wrong_current_password_is_named_and_nothing_changes(member, client_of):
    phone, laptop = client_of(member), client_of(member)

    answer = change(phone, current_password="Wrong-password-1")

    assert answer.status_code == 400
    assert answer.json() == {"current_password": ["This is not your current password."]}
    assert laptop.get("/orders/").status_code == 200
    assert Member.objects.get(pk=member.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    "password", ["short", "no-upper-case-7", "", None, 7.5, "Nul\x00-Character-7", "A1-" * 50]
)
def test_a_new_password_is_checked_as_in_registering(member, member_client, password):
    answer = change(member_client, password=password)

    assert answer.status_code == 400
    assert list(answer.json()) == ["password"]
    assert Member.objects.get(pk=member.pk).check_password(PASSWORD)


def test_a_new_password_may_not_be_the_email(member, member_client):
    assert list(change(member_client, password=member.email.capitalize() + "-1").json()) == ["password"]


@pytest.mark.parametrize("field", ["current_password", "password"])
def test_a_missing_field_is_named(member_client, field):
    body = {"current_password": PASSWORD, "password": NEW}
    del body[field]

    assert member_client.post(PATH, body).json() == {field: ["This field is required."]}


def test_a_token_is_needed(anonymous, db):
    assert change(anonymous).status_code == 401


def test_guessing_is_slowed_down_like_logging_in(member_client, stopped_clock):
    answers = [change(member_client, current_password=f"Wrong-password-{n}") for n in range(7)]

    assert [answer.status_code for answer in answers] == [400] * 6 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert change(member_client).status_code == 429


def test_tries_are_counted_by_member_whatever_the_address(member_client, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"login": "3/min"})

    answers = [member_client.post(PATH, {}, REMOTE_ADDR=f"198.51.100.{n}") for n in range(4)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]


def test_of_two_changes_at_the_same_time_one_is_made(member):
    """Both have had the current password checked before the first was stored."""
    first, second = Member.objects.get(pk=member.pk), Member.objects.get(pk=member.pk)
    keep, _ = log_in(member)

    change_password(member=first, password=NEW, keep=keep)

    with pytest.raises(WrongPassword):
        change_password(member=second, password="Third-horse-9", keep=keep)
    assert Member.objects.get(pk=member.pk).check_password(NEW)


def test_a_login_that_began_with_the_old_password_gets_no_token(member):
    authenticated = authenticate(username=member.email, password=PASSWORD)
    keep, _ = log_in(member)
    change_password(member=member, password=NEW, keep=keep)

    with pytest.raises(LoginRefused):
        log_in(authenticated)


def test_a_reset_link_from_before_is_dead(member, member_client):
    token = default_token_generator.make_token(member)

    change(member_client)

    assert not default_token_generator.check_token(Member.objects.get(pk=member.pk), token)


def test_no_log_line_holds_a_password(member_client, caplog):
    caplog.set_level("DEBUG")
    change(member_client, current_password="Wrong-password-1")
    change(member_client)

    assert not [line for line in caplog.messages if "Wrong-password-1" in line or NEW in line]
