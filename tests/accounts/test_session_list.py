"""GET /auth/sessions, DELETE /auth/sessions/{id}"""

import importlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import Session
from accounts.services import log_in
from tests.factories import PASSWORD, MemberFactory

pytestmark = pytest.mark.django_db

PATH = "/auth/sessions"


def test_lists_the_live_sessions_newest_first_and_marks_the_current_one(member, client_of, other):
    phone = client_of(member)
    client_of(member)
    client_of(other)

    answer = phone.get(PATH)

    assert answer.status_code == 200
    assert set(answer.json()) == {"count", "next", "previous", "results"}
    shown = answer.json()["results"]
    assert [set(session) for session in shown] == [
        {"id", "created", "last_used", "expiry", "user_agent", "current"}
    ] * 3
    assert [session["current"] for session in shown] == [False, True, False]  # registered, phone, another
    assert [session["id"] for session in shown] == sorted((s["id"] for s in shown), reverse=True)


def test_each_way_in_records_the_user_agent_shortened(anonymous, member):
    headers = {"User-Agent": "Browser/" + "7" * 300}
    body = {"email": member.email, "password": PASSWORD}
    key = anonymous.post("/auth/login", body, headers=headers).json()["token"]

    shown = APIClient(headers={"Authorization": f"Token {key}"}).get(PATH).json()["results"][0]

    assert shown["user_agent"] == headers["User-Agent"][:200]


def test_an_expired_session_is_not_listed(member, member_client):
    AuthToken.objects.filter(session=Session.objects.earliest("id")).update(
        expiry=timezone.now() - timedelta(seconds=1)
    )

    assert [shown["current"] for shown in member_client.get(PATH).json()["results"]] == [True]


def test_a_session_without_an_end_is_listed(member, member_client):
    AuthToken.objects.update(expiry=None)

    assert [shown["expiry"] for shown in member_client.get(PATH).json()["results"]] == [None, None]


def test_last_used_is_now_for_the_current_one_and_the_beginning_where_nothing_is_known(member, member_client):
    before = timezone.now()

    current, registered = member_client.get(PATH).json()["results"]

    assert parse_datetime(current["last_used"]) >= before
    assert registered["last_used"] == registered["created"]


@pytest.mark.parametrize("sessions", [1, 20])
def test_the_list_runs_two_queries_and_writes_nothing(member, client_of, django_assert_num_queries, sessions):
    client, *_ = [client_of(member) for _ in range(sessions)]

    with django_assert_num_queries(2) as queries:  # the token, the page
        assert client.get(PATH).json()["count"] == sessions + 1
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def test_deleting_a_session_revokes_its_token_and_no_other(member, client_of):
    phone, laptop = client_of(member), client_of(member)
    [lost] = [shown["id"] for shown in laptop.get(PATH).json()["results"] if shown["current"]]

    assert phone.delete(f"{PATH}/{lost}/").status_code == 204

    assert laptop.get(PATH).status_code == 401
    assert lost not in [shown["id"] for shown in phone.get(PATH).json()["results"]]
    assert phone.delete(f"{PATH}/{lost}").status_code == 404


def test_the_current_session_can_be_deleted(member_client):
    [current] = [shown["id"] for shown in member_client.get(PATH).json()["results"] if shown["current"]]

    assert member_client.delete(f"{PATH}/{current}").status_code == 204
    assert member_client.get(PATH).status_code == 401


@pytest.mark.parametrize("caller", ["member_client", "staff_client"])
def test_a_session_of_another_member_is_not_to_be_found(request, caller, other):
    theirs = Session.objects.get(auth_token__user=other)

    assert request.getfixturevalue(caller).delete(f"{PATH}/{theirs.pk}").status_code == 404
    assert Session.objects.filter(pk=theirs.pk).exists()


def test_an_id_beyond_any_integer_is_a_404(member_client):
    assert member_client.delete(f"{PATH}/{'9' * 40}").status_code == 404


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_token_is_needed(anonymous, method, db):
    assert getattr(anonymous, method)(f"{PATH}/1" if method == "delete" else PATH).status_code == 401


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/logoutall"])
def test_a_session_goes_with_its_token(member, member_client, path):
    before = Session.objects.count()

    member_client.post(path)

    assert Session.objects.count() == AuthToken.objects.count() < before


def test_the_migration_gives_each_known_token_a_session(member):
    auth_token, _ = AuthToken.objects.create(user=member)  # as before there were sessions
    before = list(Session.objects.values_list("pk", flat=True))
    migration = importlib.import_module("accounts.migrations.0003_sessions_of_known_tokens")

    for _ in range(2):
        migration.make_sessions(apps, SimpleNamespace(connection=connection))

    made = Session.objects.exclude(pk__in=before).get()
    assert (made.auth_token, made.user_agent) == (auth_token, "")


@pytest.mark.django_db(transaction=True)  # what fails is rolled back
def test_registering_makes_a_session_in_the_same_transaction(monkeypatch):
    def fail(**kwargs):
        raise RuntimeError

    member = MemberFactory()
    before = AuthToken.objects.count()
    monkeypatch.setattr(Session.objects, "create", fail)
    with pytest.raises(RuntimeError):
        log_in(member)
    assert AuthToken.objects.count() == before
