"""Finding the primary among several servers. (Real ones: tests/replication/test_failover.py.)"""

from dataclasses import replace

import MySQLdb
import pytest

from routers import primary, probe, testing
from routers.group import Group
from routers.gtid import GTIDSet
from routers.probe import Facts

ONE, TWO, THREE = ("one", 3306), ("two", 3306), ("three", 3307)
READ_ONLY = Facts(testing.UUID, read_only=True, gtid_mode="ON", executed=GTIDSet())
WRITABLE = replace(READ_ONLY, read_only=False)
DOWN = MySQLdb.OperationalError(2003, "down")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("one", ONE),
        ("one:3306", ONE),
        (" three:3307 ", THREE),
        ("[::1]:3307", ("::1", 3307)),
        ("[::1]", ("::1", 3306)),
    ],
)
def test_a_host_may_name_its_port(text, address):
    assert primary.parse(text) == address


@pytest.mark.parametrize("text", ["", ":3306", "one:port"])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(ValueError, match=r"names no host|invalid literal"):
        primary.parse(text)


def member(server: str, *, calls: str, writable: bool) -> Facts:
    role = "PRIMARY" if calls == server else "SECONDARY"
    group = Group(testing.UUID, "ONLINE", role, majority=True, primary=calls)
    return replace(WRITABLE if writable else READ_ONLY, server_uuid=server, group=group)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({ONE: WRITABLE}, ONE),
        ({ONE: READ_ONLY, TWO: WRITABLE}, TWO),
        ({ONE: READ_ONLY, TWO: READ_ONLY}, None),
        ({}, None),
        # A group: two of three must say so.
        ({ONE: member("a", calls="a", writable=True)}, None),
        ({ONE: member("a", calls="a", writable=True), TWO: member("b", calls="a", writable=False)}, ONE),
        # One stood still, and has not noticed that it was expelled.
        (
            {
                ONE: member("a", calls="a", writable=True),
                TWO: member("b", calls="b", writable=True),
                THREE: member("c", calls="b", writable=False),
            },
            TWO,
        ),
    ],
)
def test_the_one_that_takes_writes_is_chosen_and_in_a_group_by_its_members(answers, found):
    assert primary.chosen(answers, of=3) == found


@pytest.fixture
def servers(monkeypatch, settings):
    """What each says; the settings name them."""
    said: dict[probe.Address, Facts | Exception] = {ONE: WRITABLE, TWO: READ_ONLY, THREE: DOWN}

    def ask(alias, timeout, *, address):
        if isinstance(said[address], Exception):
            raise said[address]
        return said[address]

    monkeypatch.setattr(probe, "ask", ask)
    monkeypatch.setattr(primary, "hosts", lambda: (ONE, TWO, THREE))
    monkeypatch.setattr(primary, "_known", None)
    return said


def test_it_is_found_and_remembered(servers):
    assert primary.look(1) == (ONE, WRITABLE)
    assert primary.known() == ONE


def test_it_is_looked_for_when_it_was_demoted(servers):
    primary.look(1)
    servers |= {ONE: READ_ONLY, TWO: WRITABLE}

    assert primary.look(1)[0] == TWO


def test_it_is_looked_for_when_it_does_not_answer(servers):
    primary.look(1)
    servers |= {ONE: DOWN, THREE: WRITABLE}

    assert primary.look(1)[0] == THREE


def test_that_none_takes_writes_is_an_error_that_names_all(servers):
    servers[ONE] = READ_ONLY
    named = "no server takes writes: one:3306, two:3306, three:3307"
    with pytest.raises(MySQLdb.OperationalError, match=named):
        primary.look(1)


def test_one_host_does_not_move(settings):
    assert not primary.moves()
