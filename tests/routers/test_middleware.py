"""The story of one request."""

import pytest
from django.core.cache import cache

from routers import positions
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

REPLICAS = {"replica1", "replica2"}


@pytest.fixture
def settled_client(member, client_of):
    """A client whose member wrote nothing lately."""
    client = client_of(member)
    cache.clear()
    return client


def test_a_read_is_answered_by_one_replica(settled_client):
    for path in ("/orders/", "/accounts/users"):
        assert settled_client.get(path).headers["X-Database"] in REPLICAS


def test_a_client_stays_with_its_replica(settled_client):
    assert len({settled_client.get("/orders/").headers["X-Database"] for _ in range(10)}) == 1


def test_a_write_is_answered_by_the_primary_and_so_is_what_follows(settled_client):
    assert settled_client.post("/orders/", {"product_name": "Mug"}).headers["X-Database"] == "default"

    # The token is looked up on the replica, which then turns out to be too old for this member.
    assert settled_client.get("/orders/").headers["X-Database"].endswith("default")


def test_the_members_other_devices_follow_the_write_too(member, client_of, settled_client):
    other_device = client_of(member)
    cache.clear()
    settled_client.post("/orders/", {"product_name": "Mug"})

    assert other_device.get("/orders/").headers["X-Database"].endswith("default")


def test_a_write_of_staff_is_followed_by_the_member_it_touches(member, settled_client, staff_client):
    order = OrderFactory(customer=member)
    cache.clear()

    staff_client.patch(f"/orders/{order.pk}", {"product_name": "Bowl"})

    assert settled_client.get("/orders/").headers["X-Database"].endswith("default")


def test_a_write_of_one_member_does_not_bother_another(settled_client, client_of):
    someone = client_of(MemberFactory())
    cache.clear()
    settled_client.post("/orders/", {"product_name": "Mug"})

    assert someone.get("/orders/").headers["X-Database"] in REPLICAS


def test_a_refused_write_leaves_reads_on_the_replica(settled_client):
    settled_client.post("/orders/", {})

    assert settled_client.get("/orders/").headers["X-Database"] in REPLICAS


def test_a_revoked_token_is_looked_up_on_the_primary(settled_client):
    settled_client.post("/auth/logout")

    answer = settled_client.get("/orders/")
    assert answer.status_code == 401
    assert answer.headers["X-Database"] == "default"


def test_an_unknown_token_is_asked_for_on_the_primary_too(anonymous):
    answer = anonymous.get("/orders/", headers={"Authorization": "Token unknown"})

    assert answer.status_code == 401
    replica, primary = answer.headers["X-Database"].split(", ")
    assert replica in REPLICAS
    assert primary == "default"


def test_a_cache_that_fails_sends_reads_to_the_primary(settled_client, monkeypatch):
    class Broken:
        def __getattr__(self, name):
            raise OSError("no cache")

    monkeypatch.setattr(positions, "_cache", Broken)

    answer = settled_client.get("/orders/")

    assert answer.status_code == 200
    assert answer.headers["X-Database"] == "default"


def test_the_header_is_off_unless_asked_for(settled_client, settings):
    settings.ROUTERS = {**settings.ROUTERS, "EXPOSE_DATABASE_HEADER": False}

    assert "X-Database" not in settled_client.get("/orders/").headers
