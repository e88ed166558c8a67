"""What in-process tests share: members, clients that carry their token, an empty cache."""

from collections.abc import Callable

import pytest
from django.core.cache import caches
from rest_framework.test import APIClient

from accounts import last_used
from accounts.models import Member
from accounts.services import log_in
from routers import positions
from routers.store import Store
from tests.factories import MemberFactory


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch) -> None:
    """Throttles and write positions of one test are nothing to the next."""
    monkeypatch.setattr(positions, "store", Store())
    monkeypatch.setattr(last_used, "_unwritten", {})
    monkeypatch.setattr(last_used, "_write_later", lambda: None)  # nothing is left to a thread
    for cache in caches.all():
        cache.clear()
    caches["local"].clear()


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


@pytest.fixture
def client_of() -> Callable[[Member], APIClient]:
    """A client that carries a new token of the member."""

    def make(member: Member) -> APIClient:
        _, key = log_in(member)
        return APIClient(headers={"Authorization": f"Token {key}"})

    return make


@pytest.fixture
def member(db) -> Member:
    return MemberFactory()


@pytest.fixture
def other(db) -> Member:
    return MemberFactory(name="Ada Lovelace")


@pytest.fixture
def staff(db) -> Member:
    return MemberFactory(is_staff=True, name="Grace Hopper")


@pytest.fixture
def powerless_staff(db) -> Member:
    """Staff in no group: who may do what every member may."""
    return MemberFactory(is_staff=True, group=None, name="Nobody Special")


@pytest.fixture
def member_client(member, client_of) -> APIClient:
    return client_of(member)


@pytest.fixture
def staff_client(staff, client_of) -> APIClient:
    return client_of(staff)
