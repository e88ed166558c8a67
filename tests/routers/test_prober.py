"""What a look at the nodes changes."""

import queue
import threading
from dataclasses import replace
from types import SimpleNamespace

import MySQLdb
import pytest

from routers import connections, positions, probe, prober, testing
from routers.group import Group
from routers.gtid import GTIDSet
from routers.probe import Facts
from routers.prober import FAILING_PROBE_SECONDS, Prober, why_out
from routers.replica import Node

UUID = testing.UUID
OTHER_UUID = "00000000-0000-0000-0000-000000000002"
DOWN = MySQLdb.OperationalError(2003, "Can't connect to MySQL server")
HEALTHY = Facts(UUID, read_only=True, gtid_mode="ON", executed=GTIDSet(), receiving=True, applying=True)


def gtids(numbers: str) -> GTIDSet:
    return GTIDSet.parse(f"{UUID}:{numbers}")


class Cluster:
    """What each node says when it is asked, who was asked, and the prober's clock."""

    def __init__(self, twin: testing.Twin) -> None:
        self.nodes = twin.nodes
        self.now = 1000.0
        self.prober = Prober()
        self.asked: list[str] = []
        self.say: dict[str, Facts | Exception] = {
            "default": Facts(UUID, read_only=False, gtid_mode="ON", executed=gtids("1-5")),
            "replica1": replace(HEALTHY, executed=gtids("1-5")),
            "replica2": replace(HEALTHY, executed=gtids("1-5")),
        }

    def change(self, alias: str, **facts) -> None:
        self.say[alias] = replace(self.say[alias], **facts)

    def ask(self, alias: str, timeout: int) -> Facts:
        self.asked.append(alias)
        if isinstance(self.say[alias], Exception):
            raise self.say[alias]
        return self.say[alias]

    def look(self, *, after: float = 1.0) -> None:
        self.now += after
        self.asked.clear()
        self.prober.look_at_all()

    def out(self) -> dict[str, str]:
        return {node.alias: node.out_because for node in self.nodes if node.out_because}


@pytest.fixture
def severed(monkeypatch) -> list[str]:
    severed = []
    monkeypatch.setattr(connections, "sever", severed.append)
    return severed


@pytest.fixture
def cluster(monkeypatch, severed):
    """It has been looked at once."""
    with testing.Twin("replica1", "replica2") as twin:
        cluster = Cluster(twin)
        monkeypatch.setattr(probe, "ask", cluster.ask)
        monkeypatch.setattr(prober, "time", SimpleNamespace(monotonic=lambda: cluster.now))
        cluster.look()
        yield cluster


@pytest.mark.parametrize(
    ("facts", "lag", "errant", "reason"),
    [
        ({}, 0.0, False, None),
        ({}, 10.0, False, None),
        ({"read_only": False}, 0.0, False, "writable"),
        ({"receiving": False}, 0.0, False, "receiver stopped"),
        ({"receiving": None}, 0.0, False, "receiver stopped"),
        ({"applying": False}, 0.0, False, "applier stopped"),
        ({}, 0.0, True, "errant transactions"),
        ({}, 10.1, False, "lagging"),
        ({"read_only": False, "receiving": False, "applying": False}, 99.0, True, "writable"),
        ({"receiving": False, "applying": False}, 99.0, True, "receiver stopped"),
    ],
)
def test_why_out(facts, lag, errant, reason):
    assert why_out(replace(HEALTHY, **facts), lag, errant=errant) == reason


class TestALook:
    def test_asks_the_primary_first(self, cluster):
        assert cluster.asked == ["default", "replica1", "replica2"]

    def test_learns_what_each_node_contains_and_when(self, cluster):
        cluster.change("replica2", executed=gtids("1-4"), received=gtids("5"))
        cluster.look()

        assert cluster.nodes["default"].executed == cluster.nodes["replica1"].executed == gtids("1-5")
        assert cluster.nodes["replica2"].executed == gtids("1-4")
        assert {node.probed_at for node in cluster.nodes} == {cluster.now}
        assert cluster.out() == {}

    def test_takes_out_a_replica_and_puts_it_in_again(self, cluster):
        cluster.change("replica1", applying=False)
        cluster.look()
        assert cluster.out() == {"replica1": "applier stopped"}

        cluster.change("replica1", applying=True)
        cluster.look()
        assert cluster.out() == {}

    def test_takes_out_a_replica_that_lacks_more_than_was_seen_to_happen(self, cluster):
        """As a process that starts finds one that was cut off long ago."""
        cluster.change("replica2", executed=gtids("1-3"))
        cluster.look()

        assert cluster.out() == {"replica2": "lagging"}

    def test_takes_out_a_replica_that_lags(self, cluster):
        cluster.change("default", executed=gtids("1-6"))
        cluster.look()
        cluster.look(after=10.0)
        assert cluster.out() == {}

        cluster.look(after=0.5)
        assert cluster.out() == {"replica1": "lagging", "replica2": "lagging"}
        assert cluster.nodes["replica1"].lag == 10.5
        assert cluster.nodes["replica1"].lag_at_most == 11.5

    def test_takes_out_a_replica_that_is_a_whole_history_behind(self, cluster, settings):
        """As one that reaches no primary for an hour, and is not told so."""
        settings.ROUTERS = {**settings.ROUTERS, "MAX_LAG_SECONDS": 600}
        for number in range(6, 1200):
            cluster.change("default", executed=gtids(f"1-{number}"))
            cluster.look()

        assert cluster.out() == {"replica1": "lagging", "replica2": "lagging"}


class TestAPrimary:
    def test_that_is_read_only_is_out(self, cluster, severed):
        cluster.change("default", read_only=True)
        cluster.look()

        assert cluster.out() == {"default": "read only"}
        assert severed == []
        assert cluster.nodes["default"].incarnation == 0

    def test_that_commits_leaves_the_store_alone(self, cluster):
        epoch = positions.store.current_epoch()
        cluster.change("default", executed=gtids("1-9"))
        cluster.look()

        assert positions.store.current_epoch() == epoch

    @pytest.mark.parametrize("executed", [gtids("1-2"), GTIDSet(), GTIDSet.parse(f"{OTHER_UUID}:1-9")])
    def test_that_lacks_what_it_had_gives_the_store_a_new_epoch(self, cluster, executed):
        epoch = positions.store.current_epoch()
        cluster.change("default", executed=executed)
        cluster.look()

        assert positions.store.current_epoch() != epoch
        assert cluster.nodes["default"].executed == executed

    def test_that_counts_anew_is_compared_with_itself_from_then_on(self, cluster):
        cluster.change("default", executed=GTIDSet())
        cluster.look()
        epoch = positions.store.current_epoch()
        cluster.change("default", executed=gtids("1"))
        cluster.look()

        assert positions.store.current_epoch() == epoch

    def test_that_is_away_and_comes_back_anew_is_noticed(self, cluster):
        epoch = positions.store.current_epoch()
        cluster.say["default"] = DOWN
        cluster.look()
        cluster.say["default"] = Facts(OTHER_UUID, read_only=False, gtid_mode="ON", executed=gtids("1-2"))
        cluster.look(after=FAILING_PROBE_SECONDS)

        assert positions.store.current_epoch() != epoch


class TestErrantTransactions:
    @pytest.fixture(autouse=True)
    def errant(self, cluster):
        """Something on replica1 that the primary never had."""
        cluster.change("replica1", executed=gtids("1-5") | GTIDSet.parse(f"{OTHER_UUID}:1"))
        cluster.look()

    def test_are_not_told_from_new_ones_at_once(self, cluster):
        assert cluster.out() == {}

    def test_take_a_replica_out_one_round_later(self, cluster):
        cluster.look()
        assert cluster.out() == {"replica1": "errant transactions"}
        cluster.look()
        assert cluster.out() == {"replica1": "errant transactions"}

    def test_are_none_when_the_primary_has_them_by_then(self, cluster):
        cluster.change("default", executed=gtids("1-5") | GTIDSet.parse(f"{OTHER_UUID}:1"))
        cluster.look()

        assert cluster.out() == {}

    def test_keep_a_replica_out_while_the_primary_is_down(self, cluster):
        cluster.look()
        cluster.say["default"] = DOWN
        cluster.look()

        assert cluster.out() == {"default": "unreachable (2003)", "replica1": "errant transactions"}


class TestAReplicaThatIsAhead:
    """It has transactions of the primary that the primary does not show yet: semisync, AFTER_SYNC."""

    @pytest.fixture(autouse=True)
    def ahead(self, cluster):
        cluster.change("replica1", executed=gtids("1-6"))
        cluster.look()
        cluster.look()

    def test_stays_in_service_for_a_while(self, cluster):
        assert cluster.out() == {}

    def test_is_found_errant_when_it_stays_ahead(self, cluster):
        cluster.look(after=20.0)
        assert cluster.out() == {"replica1": "errant transactions"}

        cluster.change("default", executed=gtids("1-6"))
        cluster.look()
        assert "replica1" not in cluster.out()

    def test_is_errant_at_once_when_the_primary_counts_anew(self, cluster):
        cluster.change("default", executed=gtids("1-2"))
        for _ in range(3):
            cluster.look()
            assert cluster.out() == {"replica1": "errant transactions", "replica2": "errant transactions"}

        cluster.change("replica1", receiving=False)
        cluster.look()
        cluster.change("replica1", receiving=True)
        cluster.look()
        assert cluster.out()["replica1"] == "errant transactions"


class TestANodeThatDoesNotAnswer:
    @pytest.fixture(autouse=True, params=["default", "replica1"])
    def alias(self, cluster, request):
        cluster.say[request.param] = DOWN
        cluster.look()
        return request.param

    def test_is_lost_with_the_connections_to_it(self, cluster, severed, alias):
        node = cluster.nodes[alias]

        assert node.out_because == "unreachable (2003)"
        assert node.facts is None
        assert node.incarnation == 1
        assert severed == [alias]
        assert cluster.out().keys() == {alias}

    def test_is_not_asked_each_round(self, cluster, alias):
        cluster.look(after=FAILING_PROBE_SECONDS - 0.1)
        assert alias not in cluster.asked
        assert len(cluster.asked) == 2

        cluster.look(after=0.1)
        assert alias in cluster.asked

    def test_is_in_service_again_when_it_answers(self, cluster, alias):
        executed = gtids("1-5")
        read_only = alias != "default"
        cluster.say[alias] = replace(HEALTHY, executed=executed, read_only=read_only)
        cluster.look(after=FAILING_PROBE_SECONDS)

        assert cluster.out() == {}
        assert cluster.nodes[alias].incarnation == 1

    def test_is_asked_each_round_again_when_it_answers(self, cluster, alias):
        cluster.say[alias] = replace(HEALTHY, executed=gtids("1-5"), read_only=alias != "default")
        cluster.look(after=FAILING_PROBE_SECONDS)
        cluster.look(after=0.1)

        assert alias in cluster.asked


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "unreachable (TimeoutError)"),
        (ConnectionResetError(104, "reset"), "unreachable (104)"),
        (MySQLdb.OperationalError(2013, "lost"), "unreachable (2013)"),
        (MySQLdb.ProgrammingError(1142, "denied"), "unreachable (1142)"),
    ],
)
def test_whatever_the_driver_says_is_no_answer(cluster, error, reason):
    cluster.say["replica1"] = error
    cluster.look()

    assert cluster.out() == {"replica1": reason}


def test_a_replica_that_was_out_is_lost_too(cluster):
    cluster.change("replica1", applying=False)
    cluster.look()
    cluster.say["replica1"] = DOWN
    cluster.look()

    assert cluster.nodes["replica1"].incarnation == 1


@pytest.mark.parametrize("without", [{"PROBE_SECONDS": 0}, {"PROBE_SECONDS": 1, "REPLICAS": []}])
def test_no_thread_is_started_where_there_is_nothing_to_do(settings, monkeypatch, without):
    settings.ROUTERS = {**settings.ROUTERS, **without}
    monkeypatch.setattr(prober, "Prober", None)

    prober.ensure_started()


def test_a_node_that_was_lost_is_looked_at_again_at_once(settings):
    """It may have been one connection only, and then writes are not to wait for the next round."""
    settings.ROUTERS = {**settings.ROUTERS, "PROBE_SECONDS": 3600}
    rounds: queue.Queue[None] = queue.Queue()

    class TwoRounds(Prober):
        def look_at_all(self) -> None:
            rounds.put(None)
            if self.first_round_done.is_set():
                threading.Event().wait()  # for ever: it is not to look at the nodes of other tests

    TwoRounds().start()
    rounds.get(timeout=10)

    Node("default").lose("connection lost")

    rounds.get(timeout=10)


@pytest.fixture
def moving(monkeypatch, cluster):
    """The primary may be any of the three; `moving(alias)` makes it that one."""
    addresses = {alias: (alias, 3306) for alias in ("default", "replica1", "replica2")}
    at = SimpleNamespace(alias="default")
    cluster.change("replica2", server_uuid="00000000-0000-0000-0000-000000000003")
    monkeypatch.setattr(prober, "moves", lambda: True)
    monkeypatch.setattr(prober.primary, "known", lambda: addresses[at.alias])

    def look(timeout):
        asked = at.alias
        return addresses[asked], cluster.ask(asked, timeout)

    def move(alias: str) -> None:
        monkeypatch.setattr(prober.primary, "known", lambda: addresses["default"])
        at.alias = alias

    monkeypatch.setattr(prober.primary, "look", look)
    return move


class TestAPrimaryThatMoves:
    def test_is_another_server_from_then_on(self, cluster, moving, caplog):
        cluster.change("replica1", read_only=False, server_uuid=OTHER_UUID)
        moving("replica1")
        cluster.look()

        assert cluster.nodes.primary.facts.server_uuid == OTHER_UUID
        assert cluster.nodes.primary.incarnation == 1, "connections of before lead to the former one"
        assert cluster.out() == {"replica1": prober.IS_PRIMARY}
        assert "primary_changed" in caplog.text

    def test_takes_no_writes_while_another_does(self, cluster, moving, caplog):
        cluster.change("replica1", read_only=False, server_uuid=OTHER_UUID)
        cluster.look()
        cluster.look()
        assert cluster.out() == {"default": prober.SPLIT_BRAIN, "replica1": "writable"}
        assert caplog.text.count("split_brain") == 1

        cluster.change("replica1", read_only=True)
        cluster.look()
        cluster.look()
        assert cluster.out() == {}

    def test_does_not_mind_a_member_of_its_group_that_stood_still(self, cluster, moving):
        group = Group(UUID, "ONLINE", "PRIMARY", majority=True)
        cluster.change("default", group=group)
        cluster.change("replica1", read_only=False, server_uuid=OTHER_UUID, group=group)
        cluster.look()
        cluster.look()

        assert cluster.out() == {"replica1": "writable"}


def test_semisync_that_degrades_is_an_event_once(cluster, caplog):
    caplog.set_level("INFO")
    for active in (True, False, False, True, None):
        cluster.change("default", semisync=active)
        cluster.look()

    names = [record.message.split()[0] for record in caplog.records if "semisync" in record.message]
    assert names == ["semisync_degraded", "semisync_restored"]


def test_a_member_that_is_not_online_takes_no_reads():
    recovering = replace(HEALTHY, group=Group(UUID, "RECOVERING", "SECONDARY", majority=True))

    assert why_out(recovering, 0.0, errant=False) == "recovering in its group"
