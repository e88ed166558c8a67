"""What is written through the API is on every node, and only the primary takes writes."""

import json
import os
import subprocess
from urllib.parse import urlsplit

import MySQLdb
import pytest

from tests.replication.cluster import REPLICAS, databases, wait_until


def connect(url: str) -> MySQLdb.Connection:
    parts = urlsplit(url)
    return MySQLdb.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        database=parts.path[1:],
    )


def test_an_order_is_on_all_three_nodes(cluster, registered):
    order = registered.call("POST", "/orders/", product_name="머그컵 🏺").json()["id"]
    cluster.wait_for_replicas()

    for node in ("primary", *REPLICAS):
        found = cluster.query(node, f"SELECT product_name FROM oms.orders_order WHERE id = {order}")
        assert found == "머그컵 🏺", node


def test_every_write_is_answered_by_the_primary_alone(registered):
    placed = registered.call("POST", "/orders/", product_name="Mug")
    changed = registered.call("PATCH", f"/orders/{placed.json()['id']}", product_name="Bowl")
    assert databases(placed) == databases(changed) == ["default"]
    assert databases(registered.call("POST", "/auth/logout")) == ["default"]


def test_a_member_who_has_not_written_lately_is_answered_by_a_replica(registered):
    registered.call("POST", "/orders/", product_name="Mug")

    def answered_by_a_replica():
        answer = registered.call("GET", "/orders/")
        return answer if set(databases(answer)) <= set(REPLICAS) else None

    answer = wait_until(answered_by_a_replica, what="a replica answers")
    assert answer.json()["count"] == 1


def test_every_node_is_ready(registered):
    answer = registered.call("GET", "/readyz").json()

    assert answer["status"] == "ok"
    assert {alias: (node["status"], node["role"]) for alias, node in answer["nodes"].items()} == {
        "default": ("ok", "primary"),
        "replica1": ("ok", "replica"),
        "replica2": ("ok", "replica"),
    }


@pytest.mark.parametrize("number", [0, 1])
def test_the_account_for_replicas_only_reads(cluster, number):
    """Tried on the primary too, where read-only does not help."""
    replica = os.environ["REPLICA_URLS"].split(",")[number]
    primary = urlsplit(os.environ["SERVICE_DATABASE_URL"])
    on_primary = replica.replace(f":{urlsplit(replica).port}/", f":{primary.port}/")
    for url, refusal in ((replica, "read-only"), (on_primary, "denied")):
        with connect(url) as reader, reader.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM orders_order")
            with pytest.raises(MySQLdb.Error, match=refusal):
                cursor.execute("DELETE FROM orders_order")


@pytest.mark.parametrize("replica", REPLICAS)
def test_a_replica_refuses_writes_even_of_the_administrator(cluster, replica):
    with pytest.raises(AssertionError, match="super-read-only"):
        cluster.query(replica, "DELETE FROM oms.orders_order")


def test_the_service_cannot_change_tables(cluster):
    with connect(os.environ["SERVICE_DATABASE_URL"]) as application, application.cursor() as cursor:
        for statement in ("DROP TABLE orders_order", "CREATE TABLE t (i INT)", "SELECT * FROM mysql.user"):
            with pytest.raises(MySQLdb.Error, match="denied"):
                cursor.execute(statement)


def test_status_tells_each_node(cluster):
    rows = cluster.run("status").splitlines()[1:]

    assert [row.split()[:2] for row in rows] == [
        ["primary", "primary"],
        ["replica1", "replica"],
        ["replica2", "replica"],
    ]


def test_poc_passes_twice(service):
    for _ in range(2):
        ran = subprocess.run(["scripts/poc.sh", service.url], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "All of it is as it should be." in ran.stdout


def test_poc_notices_a_wrong_answer(service):
    """With another password the log-in is refused, and the script must not pass over that."""
    environment = {**os.environ, "PASSWORD": "Another-horse-8"}
    ran = subprocess.run(
        ["scripts/poc.sh", service.url], env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 1
    assert "WRONG" in ran.stderr


def test_logs_hold_neither_tokens_nor_emails(service, registered):
    registered.call("GET", "/accounts/users?search=someone@example.com")
    registered.call("POST", "/auth/login", email="someone@example.com", password="Secret-word-9")

    log = service.log.read_text()
    assert "/accounts/users" in log
    for secret in (registered.token, "@example.com", "Secret-word-9", '"password"'):
        assert secret not in log, json.dumps(secret)
