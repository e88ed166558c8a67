"""POST /auth/email/verification, POST /auth/email/verification/confirm, and the mail on registration."""

import threading

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.utils import translation
from rest_framework.throttling import SimpleRateThrottle

from accounts import links, mails
from accounts.models import Member
from tests.accounts.conftest import link_in
from tests.accounts.test_register import details

pytestmark = pytest.mark.django_db

PATH = "/auth/email/verification"
CONFIRM = "/auth/email/verification/confirm"


@pytest.fixture
def ask(member_client, mailed):
    return lambda: mailed(lambda: member_client.post(PATH))


@pytest.fixture
def link(ask):
    return link_in(ask()[1][0])


def is_verified(client, member):
    return client.get(f"/accounts/users/{member.pk}").json()["email_verified"]


def assert_dead(answer):
    assert answer.status_code == 400
    assert list(answer.json()) == ["token"]
    assert "ask for a new one" in answer.json()["token"][0]


def test_registering_sends_a_mail_whose_link_verifies(anonymous, mailed):
    answer, [sent] = mailed(lambda: anonymous.post("/accounts/users", details()))

    assert answer.json()["user"]["email_verified"] is False
    assert sent.to == ["haneul@example.com"]
    assert "http://127.0.0.1:8080/auth/email/verification/confirm#uid=" in sent.body
    assert anonymous.post(CONFIRM, link_in(sent)).status_code == 204
    assert Member.objects.get().email_verified


def test_a_registration_that_fails_sends_nothing(anonymous, member, mailed):
    answer, sent = mailed(lambda: anonymous.post("/accounts/users", details(email=member.email)))

    assert (answer.status_code, sent) == (400, [])


def test_a_mail_server_that_fails_does_not_stop_a_registration(anonymous, mailed, monkeypatch, caplog):
    def refuse(self, messages):
        raise ConnectionRefusedError("haneul@example.com")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    answer, _ = mailed(lambda: anonymous.post("/accounts/users", details()))

    assert answer.status_code == 201
    assert caplog.messages == ["mail_failed kind=verify_email reason=ConnectionRefusedError"]


def test_asking_again_sends_another_link(member, member_client, anonymous, ask):
    answer, [sent] = ask()

    assert (answer.status_code, list(answer.json())) == (202, ["detail"])
    assert sent.to == [member.email]
    assert is_verified(member_client, member) is False
    assert anonymous.post(CONFIRM, link_in(sent)).status_code == 204
    assert is_verified(member_client, member) is True


def test_who_is_verified_needs_no_mail(member_client, anonymous, ask, link):
    anonymous.post(CONFIRM, link)

    answer, sent = ask()

    assert (answer.status_code, list(answer.json()), sent) == (409, ["email"], [])


def test_a_link_works_once_and_ends_the_others(anonymous, ask, link):
    another = link_in(ask()[1][0])
    anonymous.post(CONFIRM, link)

    assert_dead(anonymous.post(CONFIRM, link))
    assert_dead(anonymous.post(CONFIRM, another))


def test_another_email_outdates_the_link(anonymous, member, link):
    Member.objects.filter(pk=member.pk).update(email="moved@example.com")

    assert_dead(anonymous.post(CONFIRM, link))
    assert not Member.objects.get(pk=member.pk).email_verified


def test_an_old_link_is_dead(anonymous, link, settings):
    settings.EMAIL_VERIFICATION_TIMEOUT = -1

    assert_dead(anonymous.post(CONFIRM, link))


def test_a_link_lives_for_three_days(settings):
    assert settings.EMAIL_VERIFICATION_TIMEOUT == 3 * 24 * 3600


@pytest.mark.parametrize("field", ["uid", "token"])
@pytest.mark.parametrize("value", ["x", "é", ":", "a:b", "OTk5" * 10, "1:" * 30])  # OTk5: 999
def test_a_forged_link_is_dead(anonymous, member, link, field, value):
    assert_dead(anonymous.post(CONFIRM, {**link, field: value}))
    assert not Member.objects.get(pk=member.pk).email_verified


def test_a_link_of_another_member_is_dead(anonymous, other, link):
    assert_dead(anonymous.post(CONFIRM, {"uid": links.uid_of(other), "token": link["token"]}))


def test_a_link_to_set_a_password_verifies_nothing(anonymous, member):
    body = {"uid": links.uid_of(member), "token": links.password_token(member)}

    assert_dead(anonymous.post(CONFIRM, body))


def test_a_link_is_looked_up_on_the_primary(anonymous, link):
    """Where a link was used or outdated is known at once: no replica is asked."""
    assert anonymous.post(CONFIRM, link).headers["X-Database"] == "default"


@pytest.mark.parametrize("field", ["uid", "token"])
def test_a_missing_field_is_named(anonymous, link, field):
    del link[field]

    assert anonymous.post(CONFIRM, link).json() == {field: ["This field is required."]}


def test_a_token_is_needed_to_ask(anonymous, db):
    assert anonymous.post(PATH).status_code == 401


def test_nobody_says_of_themselves_that_they_are_verified(member, member_client):
    answer = member_client.patch(f"/accounts/users/{member.pk}", {"email_verified": True})

    assert answer.json() == {"email_verified": ["This cannot be changed here."]}


def test_asking_is_counted_by_member(ask, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"email_verification": "2/hour"})

    answers = [ask()[0] for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_mail_is_in_the_language_of_the_request(member, mailed, monkeypatch):
    spoken = []
    compose = lambda member: spoken.append(translation.get_language()) or mails.verify_email(member)  # noqa: E731

    def send():
        with translation.override("ko"):
            mails.send_after_commit(compose, member)

    mailed(send)
    assert spoken == ["ko"]


def test_mails_are_written_by_one_thread_beside_the_request(member, mailed):
    threads = []
    compose = lambda member: threads.append(threading.current_thread().name) or mails.verify_email(member)  # noqa: E731

    mailed(lambda: [mails.send_after_commit(compose, member) for _ in range(3)])

    assert len(set(threads)) == 1
    assert threading.current_thread().name not in threads
