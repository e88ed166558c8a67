"""A wrong node is found by `manage.py check --database ...`. (Real nodes: tests/replication.)"""

from dataclasses import replace

import MySQLdb
import pytest
from django.core import checks as django_checks
from django.core.management import call_command
from django.db import OperationalError, connections

from routers import node_checks, probe
from routers.gtid import GTIDSet
from routers.mysql.tracking import Rung

ALL = ["default", "replica1", "replica2"]
DOWN = MySQLdb.OperationalError(2003, "Can't connect to MySQL server")
DENIED = MySQLdb.OperationalError(1142, "SELECT command denied to user 'reader'@'10.0.0.7'")


class Nodes:
    """What each node says: facts, or an error. `asked` are those that were."""

    def __init__(self):
        self.asked = []
        self.say = {
            alias: probe.Facts(f"uuid-of-{alias}", alias != "default", "ON", GTIDSet()) for alias in ALL
        }

    def change(self, alias, **facts):
        self.say[alias] = replace(self.say[alias], **facts)

    def ask(self, alias, timeout):
        self.asked.append(alias)
        if isinstance(self.say[alias], Exception):
            raise self.say[alias]
        return self.say[alias]


@pytest.fixture(autouse=True)
def nodes(monkeypatch):
    nodes = Nodes()
    monkeypatch.setattr(probe, "ask", nodes.ask)
    monkeypatch.setattr(probe, "account", lambda alias, timeout: "'reader'@'10.0.0.%'")
    return nodes


@pytest.fixture(autouse=True)
def primary(monkeypatch):
    """Django's connection to the primary; its rung is the best."""
    connection = connections["default"]
    monkeypatch.setattr(connection, "ensure_connection", lambda: None)
    monkeypatch.setattr(connection, "capture_rung", Rung.SESSION_TRACK)
    return connection


def found(databases=ALL):
    return node_checks.check_nodes(None, databases=databases)


def only(databases=ALL):
    (message,) = found(databases)
    return message


def test_right_nodes_pass(nodes):
    assert found() == []
    assert nodes.asked == ALL


def test_it_is_registered_as_one_that_needs_databases():
    assert node_checks.check_nodes in django_checks.registry.registry.get_checks()
    assert set(node_checks.check_nodes.tags) == {"routers", django_checks.Tags.database}


def test_nobody_is_asked_unless_named(nodes):
    assert found(None) == found([]) == []
    assert nodes.asked == []
    found(["replica2", "elsewhere"])
    assert nodes.asked == ["replica2"]


def test_nobody_is_asked_without_replicas(nodes, settings):
    settings.ROUTERS = {"REPLICAS": []}

    assert found() == []
    assert nodes.asked == []


@pytest.mark.parametrize("wrong", [{"MAX_LAG": 1}, {"WAIT_BUDGET_MS": -1}, {"REPLICAS": ["replica1", "r9"]}])
def test_nobody_is_asked_under_wrong_settings(nodes, settings, wrong):
    settings.ROUTERS = {**settings.ROUTERS, **wrong}

    assert found() == []
    assert nodes.asked == []


def test_e010_a_replica_that_is_the_primary(nodes):
    nodes.change("replica2", server_uuid="uuid-of-default", read_only=False)

    message = only()
    assert message.id == "routers.E010"
    assert "'replica2' is the primary" in message.msg


def test_e011_a_writable_replica(nodes):
    nodes.change("replica1", read_only=False)

    message = only()
    assert message.id == "routers.E011"
    assert "SET PERSIST super_read_only = ON;" in message.hint


def test_e012_a_primary_that_is_read_only(nodes):
    nodes.change("default", read_only=True)

    message = only()
    assert message.id == "routers.E012"
    assert "SET PERSIST super_read_only = OFF;" in message.hint


@pytest.mark.parametrize("alias", ALL)
@pytest.mark.parametrize("mode", ["OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE"])
def test_e013_transactions_without_gtids(nodes, alias, mode):
    nodes.change(alias, gtid_mode=mode)

    message = only()
    assert message.id == "routers.E013"
    assert f"'{alias}' is {mode}" in message.msg
    assert message.hint.endswith("SET PERSIST gtid_mode = ON;")


class TestE014MissingPrivileges:
    def test_the_grant_is_spelled_out(self, nodes):
        nodes.say["replica1"] = DENIED

        message = only()
        assert message.id == "routers.E014"
        assert message.hint.endswith("GRANT SELECT ON performance_schema.* TO 'reader'@'10.0.0.%';")

    def test_a_node_that_goes_meanwhile_is_a_warning(self, nodes, monkeypatch):
        def gone(alias, timeout):
            raise DOWN

        nodes.say["replica1"] = DENIED
        monkeypatch.setattr(probe, "account", gone)

        assert only().id == "routers.W011"


def test_e015_no_gtids_to_learn(primary):
    primary.capture_rung = Rung.NONE

    assert only().id == "routers.E015"


@pytest.mark.parametrize("rung", [Rung.TRANSACTIONS_HISTORY, Rung.GTID_EXECUTED])
def test_w010_a_lower_rung_and_what_it_costs(primary, rung):
    primary.capture_rung = rung

    message = only()
    assert message.id == "routers.W010"
    assert rung in message.msg
    assert node_checks.COST[rung] in message.msg


class TestW011ANodeThatIsDown:
    @pytest.mark.parametrize("alias", ALL)
    @pytest.mark.parametrize("error", [DOWN, TimeoutError("timed out")])
    def test_is_a_warning_and_the_others_are_checked(self, nodes, alias, error):
        nodes.say[alias] = error
        other = "replica2" if alias == "replica1" else "replica1"
        nodes.change(other, read_only=False)

        assert sorted(message.id for message in found()) == ["routers.E011", "routers.W011"]

    def test_is_named_with_the_error(self, nodes):
        nodes.say["replica1"] = DOWN

        message = only()
        assert message.level == django_checks.WARNING
        assert "'replica1'" in message.msg
        assert "2003" in message.msg
        assert message.hint.startswith("Run: mysql -h ")

    def test_a_primary_that_goes_between_two_questions(self, primary, monkeypatch):
        def gone():
            raise OperationalError(2006, "gone away")

        monkeypatch.setattr(primary, "ensure_connection", gone)

        assert only().id == "routers.W011"

    def test_the_command_goes_on(self, nodes, capsys):
        nodes.say["replica1"] = DOWN

        call_command("check", tags=["routers"], databases=["replica1"])

        assert "routers.W011" in capsys.readouterr().err
