"""What the page about replication makes of what this process knows."""

from math import inf

import pytest

from routers import drained, journal, metrics
from routers.page import picture as page
from routers.page.drawing import ROW, drawing_of
from routers.testing import Twin


@pytest.fixture
def twin():
    with Twin("replica1", "replica2") as twin:
        yield twin


def node(alias: str):
    return next(shown for shown in page.picture()["nodes"] if shown["alias"] == alias)


def test_each_node_is_there_with_its_state(twin):
    from routers.pool import nodes

    nodes()["replica1"].take_out("lagging")
    nodes()["replica2"].take_out(drained.REASON)
    shown = page.picture()

    assert [(n["alias"], n["role"], n["kind"]) for n in shown["nodes"]][1:] == [
        ("replica1", "replica", "down" if nodes()["replica1"].facts is None else "warn"),
        ("replica2", "replica", "drained"),
    ]
    assert shown["status"]["kind"] == "warn"
    assert node("replica2")["drained"]


def test_without_the_primary_it_says_that_nothing_is_written(twin):
    from routers.pool import nodes

    nodes().primary.take_out("unreachable (2003)")

    assert page.picture()["status"] == {"kind": "down", "text": "The primary takes no writes."}


def test_reads_a_second_are_of_the_last_seconds():
    assert page.rates_of({"default": 0.0, "replica1": 10.0}, 100.0) == {"default": None, "replica1": None}
    assert page.rates_of({"default": 0.0, "replica1": 30.0}, 104.0) == {"default": 0.0, "replica1": 5.0}
    assert page.rates_of({"default": 4.0, "replica1": 90.0}, 108.0) == {"default": 0.5, "replica1": 10.0}


def test_a_line_rises_with_the_lag_and_is_at_the_top_where_it_is_unknown(monkeypatch):
    monkeypatch.setitem(journal.lags, "replica1", [0.0, 1.0, 2.0, inf])
    heights = [float(point.split(",")[1]) for point in page.spark("replica1").split()]

    assert heights == [24.0, 12.0, 0.0, 0.0]


def test_fall_backs_are_counted_by_reason(monkeypatch):
    counted = [({"name": "fall_back", "reason": "behind"}, 7.0), ({"name": "node_out", "reason": "x"}, 9.0)]

    assert page.fall_backs(counted) == [["no replica had it in time", "7"]]


def test_counts_are_those_of_the_metrics():
    before = sum(value for _, value in metrics.totals("routers_requests_total")["routers_requests_total"])
    metrics.count_request("replica1", reads=True)
    after = sum(value for _, value in metrics.totals("routers_requests_total")["routers_requests_total"])

    assert after == before + 1


@pytest.mark.parametrize("replicas", [0, 1, 2, 5])
def test_the_drawing_has_a_row_for_each_replica(replicas):
    shown = [{"alias": f"n{i}", "kind": "ok", "lag_text": "–"} for i in range(replicas + 1)]
    drawing = drawing_of(shown)

    assert drawing["height"] == max(replicas, 1) * ROW
    assert len(drawing["boxes"]) == replicas + 1
    assert [arrow["alias"] for arrow in drawing["arrows"]] == [n["alias"] for n in shown[1:]]
    assert all(0 <= box["y"] <= drawing["height"] for box in drawing["boxes"])
