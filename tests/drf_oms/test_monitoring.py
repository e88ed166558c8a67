"""docker/: what Prometheus and Grafana ask for, the service does tell"""

import json
import re

import prometheus_client
import pytest
import yaml
from django.conf import settings

from drf_oms import metrics as http_metrics
from routers import metrics as router_metrics

DOCKER = settings.BASE_DIR / "docker"
OURS = re.compile(r"\b(?:routers|http)_[a-z_]+")


def load(path: str) -> dict:
    return yaml.safe_load((DOCKER / path).read_text())


def alerts() -> dict[str, str]:
    groups = load("prometheus/alerts.yml")["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels() -> dict[str, str]:
    board = json.loads((DOCKER / "grafana/dashboards/drf-oms.json").read_text())
    return {
        panel["title"]: " ".join(target["expr"] for target in panel["targets"]) for panel in board["panels"]
    }


def exported() -> dict[str, set[str]]:
    """Labels by the name of each sample that our metrics make."""
    found: dict[str, set[str]] = {}
    for module in (router_metrics, http_metrics):
        for metric in vars(module).values():
            if isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
                described = next(iter(metric.describe()))
                endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
                for ending in endings[described.type]:
                    found[described.name + ending] = set(metric._labelnames) | {"le", "instance", "job"}
    return found


QUERIES = alerts() | panels()


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_of_metrics_and_labels_that_there_are(name):
    query = QUERIES[name]
    asked = set(OURS.findall(query))
    known = exported()

    assert asked <= set(known), asked - set(known)
    assert asked or re.search(r"\bup\{", query)
    labels = set(re.findall(r"[{,]\s*(\w+)\s*(?:=|!)", query))
    for group in re.findall(r"\bby \(([^)]*)\)", query):
        labels |= {label.strip() for label in group.split(",")}
    allowed = set().union(*(known[metric] for metric in asked)) or {"job"}
    assert labels <= allowed, labels - allowed


def test_a_metric_that_there_is_not_is_noticed():
    """The check above looks for names of this kind."""
    asked = set(OURS.findall('rate(routers_fallbacks_total{kind="read"}[5m])'))

    assert asked == {"routers_fallbacks_total"}
    assert not asked <= set(exported())


def test_every_alert_says_what_to_do_next():
    for group in load("prometheus/alerts.yml")["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary", "next_step"}, rule["alert"]
            assert rule["labels"]["severity"] in {"warning", "critical"}


def test_files_that_are_mounted_exist():
    services = load("compose.monitoring.yml")["services"]
    mounts = [mount for service in services.values() for mount in service.get("volumes", ())]
    sources = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]

    assert sources
    assert [source for source in sources if not (DOCKER / source).exists()] == []


def test_panels_have_a_place_of_their_own():
    board = json.loads((DOCKER / "grafana/dashboards/drf-oms.json").read_text())
    cells = [
        (panel["gridPos"]["x"] + right, panel["gridPos"]["y"] + down)
        for panel in board["panels"]
        for right in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24  # Grafana's columns
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_each_line_of_a_panel_is_named_by_labels_that_its_query_keeps():
    board = json.loads((DOCKER / "grafana/dashboards/drf-oms.json").read_text())
    for target in (target for panel in board["panels"] for target in panel["targets"]):
        shown = set(re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")))
        kept = re.search(r"\bby \(([^)]*)\)", target["expr"])
        assert shown <= set(re.split(r",\s*", kept[1] if kept else "")), target


def test_the_dashboard_reads_the_source_that_is_provisioned():
    [source] = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    board = (DOCKER / "grafana/dashboards/drf-oms.json").read_text()

    assert set(re.findall(r'"uid": "(prom\w+)"', board)) == {source["uid"]}
    assert source["url"].split("//")[1].split(":")[0] in load("compose.monitoring.yml")["services"]
