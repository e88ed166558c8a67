"""One more replica joins a live primary under load, and takes reads when it has caught up.

`LONG_FAULTS=1`: a primary that holds 1,000,000 orders.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import requests

from tests.replication.backup.servers import Servers, program
from tests.replication.cluster import Service, wait_until
from tests.replication.customers import Load
from tests.replication.history import stored, violations
from tests.replication.roles import ALIASES, Roles

LONG = os.environ.get("LONG_FAULTS") == "1"
ORDERS = 1_000_000 if LONG else 20_000
CHUNK = 20_000
CATCH_UP = 300 if LONG else 60  # seconds: what was written while it was cloned, on a machine that does it all
FILL = """
    SET SESSION cte_max_recursion_depth = {chunk} + 1;
    INSERT INTO oms.orders_order (order_number, customer_id, product_name, status, payment_status, currency,
        total, refunded_total, placed_at, paymented_at, updated_at, version, source)
    WITH RECURSIVE numbers (n) AS
        (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {first} + {chunk} - 1)
    SELECT LPAD(CONV(n, 10, 36), 12, '0'), {member}, 'Mug', 'paid', 'paid', 'KRW',
        0, 0, NOW(6), NOW(6), NOW(6), 1, 'api' FROM numbers
"""


def fill(roles: Roles, member: int) -> None:
    """By the server itself, on the primary."""
    for first in range(0, ORDERS, CHUNK):
        roles.query(ALIASES[roles.primary()], FILL.format(first=first, chunk=CHUNK, member=member))


def urls(roles: Roles, port: str) -> dict[str, str]:
    """A service that knows the new one already, and finds it out of service."""
    settings = roles.settings()
    reader = settings["REPLICA_URLS"].partition("@")[0]
    settings["REPLICA_URLS"] += f",{reader}@127.0.0.1:{port}/oms"
    return settings


def attach(roles: Roles, node: str) -> float:
    """With one command; a cloned server ends, where nothing supervises it: here the test does. Seconds."""
    servers = Servers(roles, roles.directory)
    command = ("setup-replication.sh", "--clone-above", "0", servers[ALIASES[roles.primary()]], servers[node])
    known = {"REPLICATION_PASSWORD": servers.password("oms_repl"), "MYSQL": program("mysql")}
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        attaching = pool.submit(servers.script, *command, **known)
        while not attaching.done():
            if node not in roles.run("running").split():
                roles.run("start", node)
            wait([attaching], timeout=0.5)
    assert attaching.result().returncode == 0, attaching.result().stderr
    assert f"{servers[node]} " in attaching.result().stdout
    assert "cloned, attached to" in attaching.result().stdout
    return time.monotonic() - began


def reads_of(service: Service, alias: str) -> float:
    """As /metrics tells, of all workers."""
    sample = f'routers_requests_total{{alias="{alias}",kind="read"}} '
    lines = requests.get(f"{service.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.removeprefix(sample)) for line in lines if line.startswith(sample))


@pytest.mark.cluster
def test_a_third_replica_joins_under_load_and_takes_reads_by_itself(roles, tmp_path):
    node, _, port = roles.run("add").split()
    with Service(tmp_path, **urls(roles, port)) as service:
        load = Load.on(service, customers=2, lookers=7)
        fill(roles, load.lookers.pop().client.member)  # whose rows no request has written: see G3
        with load.at_work() as history:
            wait_until(lambda: len(history.reads) > 20, what="load")
            assert reads_of(service, "replica4") == 0
            took = attach(roles, node)
            wait_until(service.has_all_in_service, what="it is in service", seconds=CATCH_UP)
            wait_until(lambda: reads_of(service, "replica4") > 10, what="it takes reads")

        roles.settle()
        assert violations(history, stored(roles, ["primary"], load.run)) == {}
        assert set(history.statuses()) == {201}, history.statuses()
        assert {read.status for read in history.reads} == {200}
    meanwhile = f"{len(history.placed)} more and {len(history.reads)} reads meanwhile"
    print(f"\n{ORDERS} orders, {meanwhile}; attached in {took:.1f} s")  # noqa: T201 - shown with `-s`
