"""Whose word on a credential counts: a look-up that says where it was sent, and what each node has."""

from operator import itemgetter

import pytest
from django.db import router

from accounts.models import Member
from routers import credentials, positions, testing

MEMBER = 7
ROW = {"owner": MEMBER}


@pytest.fixture
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        write = twin.commit()
        twin.apply()
        assert positions.record({MEMBER}, write, {})
        yield twin


class Table:
    """What the primary and all replicas have in the row, and which of them were asked."""

    def __init__(self, primary: dict, replicas: dict) -> None:
        self.primary, self.replicas = primary, replicas
        self.asked: list[str] = []

    def look_up(self) -> dict:
        alias = router.db_for_read(Member)
        self.asked.append("replica" if alias.startswith("replica") else alias)
        return self.primary if alias == "default" else self.replicas

    def found(self, digest: str = "d1") -> dict:
        return credentials.looked_up(digest, self.look_up, owner_of=itemgetter("owner"), unknown="unknown")


def test_a_replica_that_has_all_its_member_wrote_is_believed(twin):
    table = Table(primary=ROW, replicas=ROW)

    with testing.request():
        assert table.found() == ROW

    assert table.asked == ["replica"]


def test_a_replica_never_says_that_there_is_none(twin):
    table = Table(primary=ROW, replicas={})

    with testing.request() as story:
        assert table.found() == ROW

    assert table.asked == ["replica", "default"]
    assert story.primary_because == "unknown"


def test_what_nobody_has_is_looked_for_twice_and_not_more(twin):
    table = Table(primary={}, replicas={})

    with testing.request():
        assert table.found() == {}

    assert table.asked == ["replica", "default"]


@pytest.mark.parametrize("known", [False, True], ids=["unknown until read", "known from an earlier request"])
def test_a_revocation_that_no_replica_has_yet_is_heeded(twin, known):
    if known:
        with testing.request():
            Table(primary=ROW, replicas=ROW).found()
    assert positions.record({MEMBER}, twin.commit(), {})  # the revocation
    table = Table(primary={}, replicas=ROW)

    with testing.request():
        assert table.found() == {}

    assert table.asked[-1] == "default"


def test_a_request_that_writes_asks_the_primary_alone(twin):
    table = Table(primary=ROW, replicas={})

    with testing.request(method="POST"):
        assert table.found() == ROW

    assert table.asked == ["default"]


def test_what_is_nobodys_waits_for_nobody(twin):
    table = Table(primary={"owner": None}, replicas={"owner": None})

    with testing.request():
        assert table.found() == {"owner": None}

    assert table.asked == ["replica"]
