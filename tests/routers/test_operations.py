"""What is decided about the nodes' answers: faults, lag, differences of tables and rows."""

from collections.abc import Iterator
from typing import Any

import pytest

from routers import testing
from routers.gtid import GTIDSet
from routers.operations import diagnosis, schema
from routers.operations.checksums import LOOKS, Comparison, Drift
from routers.operations.inspection import Inspection
from routers.operations.tables import Table

UUID = testing.UUID
OTHER = "00000000-0000-0000-0000-000000000002"
TABLE = Table("t", {"a": "varchar", "b": "int", "c": "json"}, ("a", "b"), 3)


def primary(executed: str, **counters: str) -> Inspection:
    facts = {"executed": executed, "server_uuid": UUID, "read_only": 0}
    return Inspection("default", facts=facts, counters=counters)


def replica(executed: str, **known: Any) -> Inspection:
    facts = {"executed": executed, "server_uuid": OTHER, "super_read_only": 1}
    receiver = {"state": "ON", "source_uuid": UUID, "error_number": 0}
    return Inspection("replica1", facts=facts, **{"receiver": receiver, "applier": {"state": "ON"}, **known})


def names(*nodes: Inspection) -> list[str]:
    return [fault.name for fault in diagnosis.of_replica(*nodes, {UUID: "default"})]


class TestErrant:
    def test_is_what_the_primary_never_had(self):
        assert names(replica(f"{UUID}:1-5,{OTHER}:1"), primary(f"{UUID}:1-5")) == ["errant transactions"]
        assert names(replica(f"{UUID}:1-5"), primary(f"{UUID}:1-6")) == []

    def test_is_not_what_semisync_lets_a_replica_have_first(self):
        ahead = replica(f"{UUID}:1-6")

        assert names(ahead, primary(f"{UUID}:1-5", Rpl_semi_sync_source_status="ON")) == []
        assert names(ahead, primary(f"{UUID}:1-5")) == ["errant transactions"]


class TestLag:
    lacking = GTIDSet.parse(f"{UUID}:6-7")

    def test_is_nothing_where_nothing_is_lacking(self):
        assert diagnosis.lag_of(replica("", ages={"applied_ago": 99}), GTIDSet()) == (0, 0)

    def test_is_that_of_the_oldest_that_is_being_applied(self):
        assert diagnosis.lag_of(replica("", ages={"applying_for": 12.5}), self.lacking) == (12.5, 12.5)

    def test_is_what_has_passed_of_a_delay(self):
        applier = {"state": "ON", "delay": 60, "remaining_delay": 40}
        assert diagnosis.lag_of(replica("", applier=applier), self.lacking) == (20, 20)

    @pytest.mark.parametrize(("queued", "at_least"), [(f"{UUID}:7", 3), (f"{UUID}:5", 0), ("ANONYMOUS", 0)])
    def test_is_between_what_was_received_and_what_was_applied(self, queued, at_least):
        ages = {"queued": queued, "queued_ago": 3, "applied_ago": 8}
        assert diagnosis.lag_of(replica("", ages=ages), self.lacking) == (at_least, 8)

    def test_is_unknown_to_an_account_that_may_not_look(self):
        assert diagnosis.lag_of(replica("", receiver=None, applier=None), self.lacking) == (None, None)


class TestDifferencesOfSchemas:
    whole = {
        ("table", "t", ""): ("InnoDB",),
        ("column", "t", "a"): (1, "int", "NO"),
        ("index", "t", "i"): (1, "a"),
    }

    def test_are_none_between_equals(self):
        assert list(schema.differences(self.whole, dict(self.whole))) == []

    def test_name_what_is_missing_extra_or_another(self):
        theirs = {("table", "t", ""): ("InnoDB",), ("column", "t", "a"): (1, "bigint", "NO")}
        theirs[("check", "t", "c")] = ("a > 0",)

        assert list(schema.differences(self.whole, theirs)) == [
            "check t.c is extra",
            "column t.a is 1 bigint NO, on the primary 1 int NO",
            "index t.i is missing",
        ]

    def test_of_a_table_that_is_missing_are_one(self):
        assert list(schema.differences(self.whole, {})) == ["table t is missing"]


class TestATable:
    def test_is_cut_by_all_columns_of_its_key(self):
        assert TABLE.between(("x", 1), ("y", 2)) == (
            "TRUE AND ((`a` > %s) OR (`a` = %s AND `b` > %s)) AND ((`a` < %s) OR (`a` = %s AND `b` <= %s))",
            ["x", "x", 1, "y", "y", 2],
        )

    def test_is_open_at_both_ends(self):
        assert TABLE.between(None, None) == ("TRUE", [])


class Scripted(Comparison):
    """What each look finds of the row 1: on the primary, on the replica, on the primary again."""

    looks: Iterator[tuple[str, str, str]]

    def _sandwich(self, table: Table, alias: str, keys: Any) -> Any:
        return tuple({(1,): found} if found else {} for found in next(self.looks))


def settled(*looks: tuple[str, str, str]) -> Drift:
    comparison, drift = Scripted(None, {}), Drift()
    object.__setattr__(comparison, "looks", iter(looks))
    comparison._settle(TABLE, "replica1", [(1,)], drift)
    return drift


class TestARowThatDiffers:
    @pytest.mark.parametrize(
        ("ours", "theirs", "kind"),
        [("new", "old", "changed"), ("new", "", "missing"), ("", "old", "extra")],
    )
    def test_has_drifted_when_it_is_seen_twice_while_the_primary_left_it_alone(self, ours, theirs, kind):
        drift = settled((ours, theirs, ours), (ours, theirs, ours))

        assert drift == Drift(**{kind: [(1,)]})
        assert drift

    @pytest.mark.parametrize(
        "looks",
        [
            [("new", "new", "new")],
            [("old", "old", "new"), ("new", "new", "new")],
            [("old", "new", "old"), ("old", "old", "old")],
        ],
        ids=["it was late", "it was changed meanwhile", "it was changed, and changed back"],
    )
    def test_has_not_drifted_when_it_is_the_same_at_rest(self, looks):
        assert settled(*looks) == Drift()

    def test_that_never_stands_still_is_unsettled_which_is_no_drift(self):
        drift = settled(*[(str(n), "old", str(n + 1)) for n in range(LOOKS)])

        assert drift.unsettled == [(1,)]
        assert not drift
