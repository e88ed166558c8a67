"""An export has what its member has just done, however late the replicas are."""

import csv
import io

import pytest

from orders.models import Order
from tests.replication.cluster import Client, Cluster, Service, databases, wait_until

pytestmark = pytest.mark.cluster

DELAY = 2
PATH = "/orders/export.csv"


def numbers(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Transfer-Encoding"] == "chunked"
    return [row["order_number"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]


def read_from(answer) -> str | None:
    """The replica that alone has answered."""
    named = databases(answer)
    return named[0] if len(named) == 1 and named != ["default"] else None


def place(client: Client) -> str:
    answer = client.call("POST", "/orders/", product_name="Mug")
    assert answer.status_code == 201
    return answer.json()["order_number"]


def test_replicas_in_step_answer_it(cluster, registered):
    order = place(registered)
    cluster.wait_for_replicas()

    def answered_by_a_replica():
        answer = registered.call("GET", PATH)
        assert numbers(answer) == [order]
        return read_from(answer)

    wait_until(answered_by_a_replica, what="a replica is in service")


def test_an_order_placed_just_before_is_in_it(cluster, registered):
    with cluster.delayed(DELAY):
        placed = [place(registered)]
        for _ in range(3):
            placed.insert(0, place(registered))
            assert numbers(registered.call("GET", PATH)) == placed


def test_a_service_that_does_not_gate_is_noticed(cluster, tmp_path, new_email):
    """The planted fault: replicas are read right after a write."""
    with Service(tmp_path, GATE_READS="false") as careless:
        client = Client(careless)
        client.register(new_email())
        cluster.wait_for_replicas()
        with cluster.delayed(DELAY):
            order = place(client)
            assert order not in numbers(client.call("GET", PATH))


def test_a_head_is_answered_without_rows(registered):
    answer = registered.call("HEAD", PATH)

    assert (answer.status_code, answer.content) == (200, b"")


class TestMidway:
    """Of an export that has begun, and is read slowly."""

    ROWS = 40_000  # 25 megabytes: more than what is on the way between service and client

    @pytest.fixture
    def many(self, cluster: Cluster, registered):
        cluster.query("primary", INSERT.format(customer=registered.member, rows=self.ROWS))
        cluster.wait_for_replicas()
        wait_until(lambda: read_from(registered.call("GET", "/orders/")), what="a replica is in service")
        return registered

    @pytest.fixture
    def begun(self, many):
        """The answer, of which little has been read, and the replica that began it."""
        answer = many.stream(PATH)
        replica = read_from(answer)
        assert replica
        pieces = answer.iter_content(10_000)
        return replica, next(pieces), pieces

    def test_the_other_replica_goes_on_where_one_dies(self, cluster, begun):
        replica, text, pieces = begun
        with cluster.down(replica, how="kill"):
            text += b"".join(pieces)

        rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
        assert len({row["order_number"] for row in rows}) == len(rows) == self.ROWS


INSERT = f"""
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO oms.{Order._meta.db_table} (order_number, customer_id, product_name, status, payment_status,
           currency, total, refunded_total, placed_at, paymented_at, updated_at, version, source)
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {{rows}})
    SELECT CONCAT(LPAD(CONV({{customer}}, 10, 36), 4, 'X'), LPAD(n, 8, '0')), {{customer}},
           REPEAT('머그컵 ', 50), 'paid', 'paid', 'KRW', 1000, 0, t, t, t, 1, 'api'
      FROM (SELECT n, UTC_TIMESTAMP(6) - INTERVAL n SECOND AS t FROM number) AS row_of_time
"""
