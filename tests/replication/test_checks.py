"""`manage.py check` about real nodes."""

import os
import re
import subprocess
import sys
import uuid
from urllib.parse import urlsplit

import pytest

from tests.replication.cluster import ROOT

NODES = ("default", "replica1", "replica2")


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    settings = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "drf_oms.settings",
        "DATABASE_URL": os.environ["SERVICE_DATABASE_URL"],
        **environment,
    }
    databases = [word for alias in NODES for word in ("--database", alias)]
    command = [sys.executable, "manage.py", "check", "--tag", "routers", *databases]
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)


def ids(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"routers\.[EW]\d+", ran.stderr)


def test_the_cluster_passes(cluster):
    ran = check()

    assert ran.returncode == 0, ran.stderr
    assert ids(ran) == []


@pytest.mark.cluster
@pytest.mark.parametrize("node", ["primary", "replica1"])
def test_a_node_that_is_down_is_a_warning(cluster, node):
    with cluster.down(node, how="stop"):
        ran = check()

    assert ran.returncode == 0, ran.stderr
    assert ids(ran) == ["routers.W011"]


@pytest.mark.cluster
def test_a_node_that_does_not_answer_is_a_warning(cluster):
    with cluster.frozen("replica1"):
        ran = check()

    assert ran.returncode == 0, ran.stderr
    assert ids(ran) == ["routers.W011"]


def test_a_replica_that_is_the_primary(cluster):
    first, second = os.environ["REPLICA_URLS"].split(",")
    port = urlsplit(os.environ["SERVICE_DATABASE_URL"]).port
    ran = check(REPLICA_URLS=f"{first},{second.replace(str(urlsplit(second).port), str(port))}")

    assert ran.returncode == 1
    assert ids(ran) == ["routers.E010"]


@pytest.mark.cluster
def test_a_writable_replica(cluster):
    cluster.query("replica1", "SET GLOBAL super_read_only = OFF")
    try:
        ran = check()
    finally:
        cluster.query("replica1", "SET GLOBAL super_read_only = ON")

    assert ran.returncode == 1
    assert ids(ran) == ["routers.E011"]


@pytest.mark.cluster
def test_the_grant_that_is_named_mends_it(cluster):
    user, password = f"test_{uuid.uuid4().hex[:8]}", "Correct-horse-7"
    cluster.query("primary", f"CREATE USER '{user}'@'127.0.0.%' IDENTIFIED BY '{password}'")
    cluster.query("primary", f"GRANT SELECT ON oms.* TO '{user}'@'127.0.0.%'")
    try:
        cluster.wait_for_replicas()
        urls = re.sub(r"//[^@]*@", f"//{user}:{password}@", os.environ["REPLICA_URLS"])
        before = check(REPLICA_URLS=urls)
        for grant in set(re.findall(r"GRANT .*;", before.stderr)):
            cluster.query("primary", grant)
        cluster.wait_for_replicas()
        after = check(REPLICA_URLS=urls)
    finally:
        cluster.query("primary", f"DROP USER '{user}'@'127.0.0.%'")

    assert ids(before) == ["routers.E014"] * 2
    assert ids(after) == []
