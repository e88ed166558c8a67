"""docker/prometheus/ and the dashboard's queries, as Prometheus' own promtool reads them"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.programs import required

PROMETHEUS = settings.BASE_DIR / "docker" / "prometheus"
CASES = Path(__file__).with_name("alerts_test.yml")


def promtool(*arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [required("promtool", package="prometheus"), *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


def passes(*arguments: object, text: str | None = None) -> None:
    ran = promtool(*arguments, text=text)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def rules() -> dict[str, Any]:
    return yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())


def alerts(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in content["groups"] for rule in group["rules"]]


def test_prometheus_accepts_its_configuration_and_the_rules_in_it():
    passes("check", "config", PROMETHEUS / "prometheus.yml")
    passes("check", "rules", "--lint=all", "--lint-fatal", PROMETHEUS / "alerts.yml")


def test_a_rule_that_prometheus_would_refuse_is_noticed(tmp_path):
    accepted = (PROMETHEUS / "alerts.yml").read_text()
    (tmp_path / "alerts.yml").write_text(accepted.replace("min by (alias)", "min bye (alias)", 1))

    assert promtool("check", "rules", tmp_path / "alerts.yml").returncode != 0


def test_each_alert_fires_when_it_should_and_not_before():
    passes("test", "rules", CASES)


def never(rule: dict[str, Any]) -> None:
    rule["expr"] = "vector(0) > 1"


def always(rule: dict[str, Any]) -> None:
    rule["expr"] = "vector(1)"


def at_once(rule: dict[str, Any]) -> None:
    rule.pop("for", None)


def later(rule: dict[str, Any]) -> None:
    rule["for"] = "24h"


@pytest.mark.parametrize("spoil", [never, always, at_once, later])
def test_the_cases_notice_each_alert_that_is_spoiled(tmp_path, spoil):
    content = rules()
    spoiled = {rule["alert"] for rule in alerts(content) if spoil is not at_once or "for" in rule}
    for rule in alerts(content):
        spoil(rule)
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(content))
    cases = yaml.safe_load(CASES.read_text()) | {"rule_files": ["alerts.yml"]}
    (tmp_path / CASES.name).write_text(yaml.safe_dump(cases))

    ran = promtool("test", "rules", tmp_path / CASES.name)

    said = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert {alert for alert in spoiled if f"alertname: {alert}," not in said} == set()


def test_the_dashboard_asks_in_promql(tmp_path):
    """Each query as a rule of its own, with a time in place of Grafana's variable."""
    board = json.loads((settings.BASE_DIR / "docker/grafana/dashboards/drf-oms.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    recorded = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries)
    ]
    as_rules = tmp_path / "queries.yml"
    as_rules.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))

    passes("check", "rules", as_rules)


def test_names_of_metrics_are_as_prometheus_would_have_them(anonymous):
    passes("check", "metrics", text=anonymous.get("/metrics").content.decode())
