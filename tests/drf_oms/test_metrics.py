"""/metrics"""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from drf_oms.checks import check_metrics_addresses
from routers import metrics, testing

ANY_HOST = "10.0.0.7:8080"


def value(text: str, name: str, **labels: str) -> float:
    """Of one sample in an exposition; 0 where there is none."""
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


def scrape(client, **headers: str) -> str:
    answer = client.get("/metrics", HTTP_HOST=ANY_HOST, **headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_metrics_need_no_database_and_no_known_host(anonymous):
    """Without the django_db mark, a test that touches a database fails."""
    assert "routers_wait_seconds" in scrape(anonymous)


@pytest.mark.parametrize(
    ("peer", "headers", "answered"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("10.1.2.3", {}, True),
        ("192.0.2.1", {}, False),
        ("", {}, False),  # a unix socket
        ("192.0.2.1", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ("127.0.0.1", {"HTTP_FORWARDED": "for=127.0.0.1"}, False),
        ("127.0.0.1", {"HTTP_X_REAL_IP": "127.0.0.1"}, False),
    ],
)
def test_metrics_are_for_direct_requests_from_known_addresses(anonymous, settings, peer, headers, answered):
    """A proxy on this host makes every caller one from 127.0.0.1; what it sends on is never answered."""
    settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.1", "::1", "10.0.0.0/8"]

    answer = anonymous.get("/metrics", REMOTE_ADDR=peer, **headers)

    assert (answer.status_code == 200) is answered
    assert (b"routers_wait_seconds" in answer.content) is answered


def test_only_reading_is_possible(anonymous):
    assert anonymous.post("/metrics").status_code == 404


def test_a_wrong_address_stops_the_start(settings):
    settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.1", "10.0.0.1/8"]

    assert [(error.id, "10.0.0.1/8" in error.msg) for error in check_metrics_addresses(None)] == [
        ("drf_oms.E004", True)
    ]


def test_requests_are_counted_by_route_and_status(anonymous):
    before = scrape(anonymous)
    anonymous.get("/orders/4711/events/")
    anonymous.get("/orders/4712/events")
    anonymous.generic("BREW", "/nobody@example.com")
    after = scrape(anonymous)

    def counted(**labels):
        return value(after, "http_requests_total", **labels) - value(before, "http_requests_total", **labels)

    assert counted(method="GET", route="/orders/{reference}/events", status="401") == 2
    assert counted(method="OTHER", route="unmatched", status="404") == 1
    assert "/4711" not in after
    assert "nobody" not in after


def test_a_node_is_shown_as_the_prober_has_seen_it(anonymous):
    with testing.Twin("replica1") as twin:
        node = twin.nodes["replica1"]
        node.take_out("lagging")
        node.lag = 42.0
        metrics.describe_node(node, role="replica")
        text = scrape(anonymous)

    assert value(text, "routers_node_in_service", alias="replica1") == 0
    assert value(text, "routers_node_probed_timestamp_seconds", alias="replica1") > 0


def test_a_reason_is_counted_without_what_is_particular_about_it(anonymous):
    for code in (2003, 2013):
        metrics.count_event("node_out", {"alias": "tested", "reason": f"unreachable ({code})"})

    assert value(scrape(anonymous), "routers_events_total", reason="unreachable", alias="tested") == 2
