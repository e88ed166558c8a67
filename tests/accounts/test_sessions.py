"""POST /auth/logout, POST /auth/logoutall, and what a token is worth."""

from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

WHO = "/accounts/users"


def test_logout_revokes_this_token_only(member, client_of):
    phone, laptop = client_of(member), client_of(member)

    assert phone.post("/auth/logout").status_code == 204

    assert phone.get(WHO).status_code == 401
    assert laptop.get(WHO).status_code == 200


def test_logoutall_revokes_all_tokens(member, client_of, other):
    phone, laptop, stranger = client_of(member), client_of(member), client_of(other)

    assert phone.post("/auth/logoutall/").status_code == 204

    assert phone.get(WHO).status_code == 401
    assert laptop.get(WHO).status_code == 401
    assert stranger.get(WHO).status_code == 200


def test_an_expired_token_is_a_401_and_gone(member, client_of):
    client = client_of(member)
    token = AuthToken.objects.latest("created")
    token.expiry = timezone.now() - timedelta(seconds=1)
    token.save()

    assert client.get(WHO).status_code == 401
    assert not AuthToken.objects.filter(pk=token.pk).exists()


def test_a_deactivated_member_is_refused(member, member_client):
    member.is_active = False
    member.save()

    assert member_client.get(WHO).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Token", "Token ", "Token a b", "Token nonsense", "Bearer x", "Token \u00e9", "Token " + "f" * 4000],
)
def test_a_bad_credential_is_a_401_that_names_the_scheme(db, header):
    answer = APIClient(headers={"Authorization": header}).get(WHO)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert "detail" in answer.json()


def test_one_statement_authenticates(member, member_client, django_assert_num_queries):
    with django_assert_num_queries(3) as queries:  # the token, the page, the sums
        member_client.get(WHO)

    tokens = [query for query in queries.captured_queries if "knox_authtoken" in query["sql"]]
    assert len(tokens) == 1
