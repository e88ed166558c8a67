"""A wrong setting is found by `manage.py check`: the fact, and what to do."""

from dataclasses import fields

import pytest
from django.core import checks as django_checks
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.backends.mysql.base import DatabaseWrapper as StockWrapper

from routers import checks
from routers.conf import Conf
from routers.middleware import RoutingMiddleware
from routers.router import PrimaryReplicaRouter

CHECKS = (
    checks.check_keys,
    checks.check_values,
    checks.check_replica_aliases,
    checks.check_hosts,
    checks.check_engines,
    checks.check_isolation,
    checks.check_cache,
    checks.check_installation,
)


@pytest.fixture
def routers(settings):
    """Call it to change `ROUTERS`."""

    def change(**values):
        settings.ROUTERS = {**settings.ROUTERS, **values}

    return change


def found():
    return [message for check in CHECKS for message in check(None)]


def ids():
    return [message.id for message in found()]


def test_right_settings_pass():
    assert found() == []


def test_all_of_them_are_registered():
    registered = django_checks.registry.registry.get_checks()

    assert set(CHECKS) <= set(registered)


def test_each_key_has_an_expected_shape_and_its_default_has_that():
    for key in fields(Conf):
        _, holds = checks.EXPECTED[key.name]
        assert holds(getattr(Conf(), key.name)), key.name
    assert len(checks.EXPECTED) == len(fields(Conf))


class TestE001AnUnknownKey:
    @pytest.mark.parametrize(
        ("key", "nearest"),
        [("MAX_LAG", "MAX_LAG_SECONDS"), ("replicas", "REPLICAS"), ("WAIT_BUDGET_SECONDS", "WAIT_BUDGET_MS")],
    )
    def test_the_nearest_is_named(self, routers, key, nearest):
        routers(**{key: 1})

        (message,) = found()
        assert message.id == "routers.E001"
        assert f"'{key}'" in message.msg
        assert f"'{nearest}'" in message.hint

    def test_all_are_named_when_none_is_near(self, routers):
        routers(COLOUR="red")

        (message,) = found()
        assert "REPLICAS" in message.hint
        assert "POSITION_SECONDS" in message.hint

    def test_one_that_is_no_text(self, settings):
        settings.ROUTERS = {7: 1}

        assert ids() == ["routers.E001"]

    @pytest.mark.parametrize("options", [{}, {"tags": ["routers"], "databases": ["replica1"]}])
    def test_the_command_says_so_and_does_not_crash(self, routers, options):
        routers(MAX_LAG=1)

        with pytest.raises(CommandError, match=r"routers\.E001"):
            call_command("check", **options)


class TestE002AnAliasThatIsNoReplica:
    @pytest.mark.parametrize("replicas", [["replica1", "replica9"], {"replica9": 1.0}])
    def test_one_that_is_not_there(self, routers, replicas):
        routers(REPLICAS=replicas)

        (message,) = found()
        assert message.id == "routers.E002"
        assert "'replica9', which is not in DATABASES" in message.msg
        assert "replica1, replica2" in message.hint

    def test_the_primary(self, routers):
        routers(REPLICAS=["default"])

        (message,) = found()
        assert message.id == "routers.E002"
        assert "is the primary" in message.msg


class TestE003AnotherEngine:
    @pytest.mark.parametrize("alias", ["default", "replica2"])
    def test_djangos_own(self, monkeypatch, settings, alias):
        stock = StockWrapper(settings.DATABASES[alias], alias)
        monkeypatch.setitem(settings.DATABASES[alias], "ENGINE", "django.db.backends.mysql")
        monkeypatch.setattr(connections._connections, alias, stock)

        (message,) = found()
        assert message.id == "routers.E003"
        assert f"'{alias}' is django.db.backends.mysql" in message.msg
        assert "routers.mysql" in message.hint

    def test_it_does_not_matter_without_replicas(self, monkeypatch, routers, settings):
        monkeypatch.setattr(
            connections._connections, "default", StockWrapper(settings.DATABASES["default"], "default")
        )
        routers(REPLICAS=[])

        assert found() == []


def test_e004_an_unknown_cache(routers):
    routers(CACHE="positions")

    (message,) = found()
    assert message.id == "routers.E004"
    assert "default, local" in message.hint


class TestE005AWrongValue:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("REPLICAS", "replica1"),
            ("REPLICAS", None),
            ("REPLICAS", [1]),
            ("REPLICAS", {"replica1": 0}),
            ("REPLICAS", {"replica1": "heavy"}),
            ("REPLICAS", {1: 1.0}),
            ("CACHE", None),
            ("GATE_READS", "no"),
            ("WAIT_BUDGET_MS", -1),
            ("WAIT_BUDGET_MS", "20"),
            ("WAIT_BUDGET_MS", True),
            ("WAIT_BUDGET_MS", float("nan")),
            ("MAX_LAG_SECONDS", 0),
            ("MAX_LAG_SECONDS", None),
            ("PROBE_SECONDS", -0.5),
            ("PROBE_TIMEOUT_SECONDS", 0),
            ("PROBE_TIMEOUT_SECONDS", 0.5),
            ("POSITION_SECONDS", 0),
            ("POSITION_SECONDS", 3600.5),
            ("STORE_RETRY_SECONDS", -1),
            ("FALL_BACK_READS_PER_SECOND", 0),
            ("FALL_BACK_READS_PER_SECOND", 0.5),
            ("RETRY_AFTER_SECONDS", -1),
            ("RETRY_AFTER_SECONDS", 1.5),
            ("EXPOSE_DATABASE_HEADER", "yes"),
        ],
    )
    def test_it_is_named_with_what_is_expected(self, routers, key, value):
        routers(**{key: value})

        (message,) = found()
        assert message.id == "routers.E005"
        assert f'ROUTERS["{key}"] is {value!r}' in message.msg
        assert checks.EXPECTED[key][0] in message.hint

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("REPLICAS", ("replica1",)),
            ("REPLICAS", {"replica1": 1, "replica2": 0.5}),
            ("WAIT_BUDGET_MS", 0),
            ("MAX_LAG_SECONDS", 0.5),
            ("PROBE_SECONDS", 0),
            ("FALL_BACK_READS_PER_SECOND", 1),
        ],
    )
    def test_what_is_at_the_edge_passes(self, routers, key, value):
        routers(**{key: value})

        assert found() == []

    def test_routers_is_no_dict(self, settings):
        settings.ROUTERS = ["replica1"]

        assert ids() == ["routers.E005"]

    @pytest.mark.parametrize(
        ("position_seconds", "max_lag_seconds", "right"),
        [(60, 10, False), (119, 10, False), (120, 10, True), (3600, 1800, True), (3600, 1801, False)],
    )
    def test_positions_outlive_requests_and_lag(self, routers, position_seconds, max_lag_seconds, right):
        routers(POSITION_SECONDS=position_seconds, MAX_LAG_SECONDS=max_lag_seconds)

        assert ids() == ([] if right else ["routers.E005"])


def test_e006_a_cache_in_a_table(monkeypatch, settings):
    monkeypatch.setitem(settings.CACHES["default"], "BACKEND", "django.core.cache.backends.db.DatabaseCache")

    assert ids() == ["routers.E006"]


class TestW001ACacheOfOneProcess:
    @pytest.mark.parametrize("backend", sorted(checks.LOCAL_CACHES))
    def test_workers_do_not_share_it(self, monkeypatch, settings, backend):
        monkeypatch.setitem(settings.CACHES["default"], "BACKEND", backend)

        (message,) = found()
        assert message.id == "routers.W001"
        assert backend.rpartition(".")[2] in message.msg
        assert "RedisCache" in message.hint

    def test_another_alias_may_be_one(self, monkeypatch, settings):
        monkeypatch.setitem(
            settings.CACHES["local"], "BACKEND", "django.core.cache.backends.locmem.LocMemCache"
        )

        assert found() == []

    def test_it_does_not_matter_without_replicas(self, monkeypatch, routers, settings):
        routers(REPLICAS=[])
        monkeypatch.setitem(
            settings.CACHES["default"], "BACKEND", "django.core.cache.backends.locmem.LocMemCache"
        )

        assert found() == []


class TestW002SnapshotsOnAReplica:
    @pytest.mark.parametrize("level", ["repeatable read", "REPEATABLE READ", None])
    def test_a_transaction_there_stays_old(self, monkeypatch, settings, level):
        monkeypatch.setitem(settings.DATABASES["replica2"], "OPTIONS", {"isolation_level": level})

        (message,) = found()
        assert message.id == "routers.W002"
        assert "'replica2'" in message.msg

    def test_on_the_primary_it_is_the_projects_choice(self, monkeypatch, settings):
        options = {"isolation_level": "repeatable read"}
        monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)

        assert found() == []


class MyRouter(PrimaryReplicaRouter):
    """One of a project's own."""


class MyMiddleware(RoutingMiddleware):
    """One of a project's own."""


class TestW003NoRouter:
    def test_no_read_goes_to_a_replica(self, settings):
        settings.DATABASE_ROUTERS = []

        assert ids() == ["routers.W003"]

    @pytest.mark.parametrize("router", [f"{__name__}.MyRouter", MyRouter()])
    def test_one_made_from_it_counts(self, settings, router):
        settings.DATABASE_ROUTERS = [router]

        assert found() == []


class TestW004NoMiddleware:
    def test_every_request_reads_the_primary(self, settings):
        settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

        assert ids() == ["routers.W004"]

    def test_one_made_from_it_counts(self, settings):
        settings.MIDDLEWARE = [f"{__name__}.MyMiddleware"]

        assert found() == []


def test_w003_w004_do_not_matter_without_replicas(routers, settings):
    settings.DATABASE_ROUTERS = []
    settings.MIDDLEWARE = []
    routers(REPLICAS=[])

    assert found() == []


class TestTheHostsOfThePrimary:
    def test_e007_one_that_cannot_be_read(self, monkeypatch):
        monkeypatch.setattr(checks.primary, "hosts", lambda: [checks.primary.parse("two:port")])

        assert ids() == ["routers.E007"]

    def test_w005_one_that_is_no_replica(self, settings, monkeypatch):
        replica = settings.DATABASES["replica1"]
        hosts = ((replica["HOST"], int(replica["PORT"])), ("elsewhere", 3306))
        monkeypatch.setattr(checks.primary, "hosts", lambda: hosts)

        [message] = found()
        assert message.id == "routers.W005"
        assert "elsewhere:3306 may become the primary, and is no replica" in message.msg
