"""POST /auth/password/reset, POST /auth/password/reset/confirm"""

import smtplib
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from accounts import mails
from accounts.errors import ResetLinkDead
from accounts.models import Member
from accounts.passwords import member_for_reset, reset_password
from tests.accounts.conftest import link_in
from tests.factories import PASSWORD, MemberFactory

pytestmark = pytest.mark.django_db

PATH = "/auth/password/reset"
CONFIRM = "/auth/password/reset/confirm"
NEW = "Another-horse-8"


@pytest.fixture
def ask(anonymous, mailed):
    """Asks for a link; the answer, and the mails that were sent."""
    return lambda email, **headers: mailed(lambda: anonymous.post(PATH, {"email": email}, **headers))


@pytest.fixture
def link(ask, member):
    return link_in(ask(member.email)[1][0])


def test_a_member_is_mailed_a_link_to_this_service(ask, member):
    answer, [sent] = ask(member.email)

    assert answer.status_code == 202
    assert sent.to == [member.email]
    assert "http://127.0.0.1:8080/auth/password/reset/confirm#uid=" in sent.body
    assert member.name not in sent.body


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("ko", "새 비밀번호 설정", "링크는 한 번만 사용할 수 있습니다."),
        ("ja", "新しいパスワードの設定", "リンクは一度だけ使えます。"),
        ("fr", "Set a new password", "it works once:"),
    ],
)
def test_the_mail_is_in_the_language_of_the_request(ask, member, language, subject, sentence):
    _, [sent] = ask(member.email, headers={"Accept-Language": language})

    assert sent.subject == subject
    assert sentence in sent.body
    assert link_in(sent)["token"]


def test_the_case_of_the_email_does_not_matter(ask, member):
    assert [sent.to for sent in ask(member.email.upper())[1]] == [[member.email]]


def test_an_unknown_email_gets_the_same_answer_and_no_mail(ask, member):
    known, _ = ask(member.email)
    unknown, sent = ask("nobody@example.com")

    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert set(unknown.headers) == set(known.headers)
    assert sent == []


def test_known_and_unknown_cost_the_same_statements(ask, member, django_assert_num_queries):
    for email in (member.email, "nobody@example.com"):
        with django_assert_num_queries(1):
            ask(email)


def test_a_deactivated_member_gets_no_mail(ask, member):
    member.is_active = False
    member.save()

    assert ask(member.email)[1] == []


@pytest.mark.parametrize("email", ["\uff4dember@example.com", "mem\u00adber@example.com"])
def test_a_spelling_that_only_mysql_takes_for_the_same_is_another_email(ask, member, email):
    Member.objects.filter(pk=member.pk).update(email="member@example.com")

    assert ask(email)[1] == []


def test_the_answer_does_not_wait_for_the_mail_server(anonymous, member, monkeypatch, transactional_db):
    """How long a mail takes would tell that there is such a member."""
    member = MemberFactory()
    mails.wait_until_sent(10)
    may_send, sent = threading.Event(), []
    monkeypatch.setattr(EmailBackend, "send_messages", lambda self, m: may_send.wait(10) and sent.extend(m))

    assert anonymous.post(PATH, {"email": member.email}).status_code == 202
    assert sent == []

    may_send.set()
    mails.wait_until_sent(10)
    assert [message.to for message in sent] == [[member.email]]


def test_a_mail_server_that_fails_changes_nothing_but_the_log(ask, member, monkeypatch, caplog):
    unknown, _ = ask("nobody@example.com")

    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({member.email: (550, b"no such user")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    known, _ = ask(member.email)

    assert (known.status_code, known.content) == (202, unknown.content)
    assert caplog.messages == ["mail_failed kind=reset_password reason=SMTPRecipientsRefused"]
    assert caplog.records[0].exc_info is None


def test_more_mails_than_there_is_room_for_are_dropped(ask, member, monkeypatch, caplog):
    monkeypatch.setattr(mails, "_room", threading.BoundedSemaphore(1))
    mails._room.acquire()

    answer, sent = ask(member.email)

    assert (answer.status_code, sent) == (202, [])
    assert caplog.messages == ["mail_dropped kind=reset_password reason=too many are waiting"]


def test_the_link_can_point_elsewhere(ask, member, settings):
    settings.PASSWORD_RESET_URL = "https://shop.example.com/new-password?u={uid}&t={token}"

    assert "https://shop.example.com/new-password?u=" in ask(member.email)[1][0].body


@pytest.mark.parametrize(
    "body", [{}, {"email": None}, {"email": "x"}, {"email": ["a"]}, {"email": "a\x00@b.co"}]
)
def test_a_body_without_an_email_is_a_400_that_names_it(anonymous, body):
    answer = anonymous.post(PATH, body)

    assert answer.status_code == 400
    assert list(answer.json()) == ["email"]


def test_asking_is_counted_by_email_and_by_address(ask, member, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"password_reset": "2/hour"})

    by_email = [ask(member.email, REMOTE_ADDR=f"198.51.100.{n}")[0] for n in range(3)]
    by_address = [ask(f"nobody{n}@example.com", REMOTE_ADDR="203.0.113.1")[0] for n in range(3)]

    for answers in (by_email, by_address):
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_link_sets_a_password_and_revokes_all_tokens(anonymous, member, client_of, link):
    phone, laptop = client_of(member), client_of(member)

    assert anonymous.post(CONFIRM, {**link, "password": NEW}).status_code == 204

    assert [phone.get("/orders/").status_code, laptop.get("/orders/").status_code] == [401, 401]
    login = {"email": member.email, "password": NEW}
    assert anonymous.post("/auth/login", login).status_code == 200
    assert anonymous.post("/auth/login", {**login, "password": PASSWORD}).status_code == 400


def test_a_link_is_looked_up_on_the_primary(anonymous, link):
    """Where a link was used or outdated is known at once: no replica is asked."""
    assert anonymous.post(CONFIRM, {**link, "password": NEW}).headers["X-Database"] == "default"
    assert anonymous.post(CONFIRM, {**link, "password": NEW}).headers["X-Database"] == "default"


def assert_dead(answer):
    assert answer.status_code == 400
    assert list(answer.json()) == ["token"]
    assert "ask for a new one" in answer.json()["token"][0]


def test_a_link_works_once(anonymous, link):
    anonymous.post(CONFIRM, {**link, "password": NEW})

    assert_dead(anonymous.post(CONFIRM, {**link, "password": "Third-horse-9"}))


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_uses_of_a_link_one_works(mailoutbox):
    member = MemberFactory()
    mails.wait_until_sent(10)
    mailoutbox.clear()
    APIClient().post(PATH, {"email": member.email})
    mails.wait_until_sent(10)
    link, answers = link_in(mail.outbox[0]), []

    def use(number):
        answers.append(APIClient().post(CONFIRM, {**link, "password": f"{NEW}-{number}"}))
        connection.close()

    threads = [threading.Thread(target=use, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]


def test_a_link_that_was_used_between_looking_and_storing_is_dead(member, link):
    first, second = member_for_reset(**link), member_for_reset(**link)
    reset_password(member=first, password=NEW)

    with pytest.raises(ResetLinkDead):
        reset_password(member=second, password="Third-horse-9")


def test_a_new_password_outdates_the_link(anonymous, member, member_client, link):
    member_client.post("/auth/password", {"current_password": PASSWORD, "password": NEW})

    assert_dead(anonymous.post(CONFIRM, {**link, "password": "Third-horse-9"}))


def test_another_email_outdates_the_link(anonymous, member, link):
    Member.objects.filter(pk=member.pk).update(email="moved@example.com")

    assert_dead(anonymous.post(CONFIRM, {**link, "password": NEW}))


@pytest.mark.parametrize(("seconds", "status"), [(3590, 204), (3601, 400)])
def test_a_link_lives_for_an_hour(anonymous, link, monkeypatch, seconds, status):
    now = PasswordResetTokenGenerator._now
    monkeypatch.setattr(
        PasswordResetTokenGenerator, "_now", lambda self: now(self) + timedelta(seconds=seconds)
    )

    assert anonymous.post(CONFIRM, {**link, "password": NEW}).status_code == status


@pytest.mark.parametrize("field", ["uid", "token"])
@pytest.mark.parametrize(
    "value", ["x", "é", "!!!!", "-", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "a-b-c", "9" * 64]
)
def test_a_forged_link_is_dead(anonymous, member, link, field, value):
    assert_dead(anonymous.post(CONFIRM, {**link, field: value, "password": NEW}))
    assert Member.objects.get(pk=member.pk).check_password(PASSWORD)


def test_a_link_of_another_member_is_dead(anonymous, ask, other, link):
    theirs = link_in(ask(other.email)[1][0])

    assert_dead(anonymous.post(CONFIRM, {"uid": theirs["uid"], "token": link["token"], "password": NEW}))


def test_a_weak_password_is_named_and_leaves_the_link_alive(anonymous, link):
    answer = anonymous.post(CONFIRM, {**link, "password": "weak"})

    assert (answer.status_code, list(answer.json())) == (400, ["password"])
    assert anonymous.post(CONFIRM, {**link, "password": NEW}).status_code == 204


@pytest.mark.parametrize("field", ["uid", "token", "password"])
def test_a_missing_field_is_named(anonymous, link, field):
    body = {**link, "password": NEW}
    del body[field]

    assert anonymous.post(CONFIRM, body).json() == {field: ["This field is required."]}


def test_guesses_are_counted_by_address(anonymous, link, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"login": "2/min"})

    answers = [anonymous.post(CONFIRM, {**link, "token": "x", "password": NEW}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
