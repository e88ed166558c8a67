"""Restarts that nobody notices, and a stop that answers what it has begun."""

import os
import signal
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb
import pytest
import requests

from tests.replication.cluster import Client, Service, wait_until

LOADS = 4  # threads: half of them keep their connections


@pytest.fixture(scope="module")
def restarted(cluster, tmp_path_factory):
    """A service of these tests' own: they signal its master process."""
    with Service(tmp_path_factory.mktemp("restarted"), LOCK_WAIT_SECONDS="20") as service:
        yield service


@pytest.fixture(scope="module")
def customer(restarted, new_email) -> Client:
    client = Client(restarted)
    assert client.register(new_email()).status_code == 201
    return client


def workers(service: Service) -> set[int]:
    pid = service.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


class Load:
    """Reads and writes without a pause, until told to stop; each answer is counted, a lost one as 0."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answers: Counter[tuple[str, int]] = Counter()
        self.rounds = [0] * LOADS
        self._counting, self._stop = threading.Lock(), threading.Event()

    def __enter__(self) -> "Load":
        self._pool = ThreadPoolExecutor(LOADS)
        self._runs = [self._pool.submit(self._run, number) for number in range(LOADS)]
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for run in self._runs:
            run.result()

    def one_more_round(self) -> None:
        """Until each thread has begun and ended one after this moment."""
        begun = list(self.rounds)
        wait_until(
            lambda: all(now > then + 1 for now, then in zip(self.rounds, begun, strict=True)), what="load"
        )

    def _run(self, number: int) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {self.client.token}"
            if number % 2:
                session.headers["Connection"] = "close"
            while not self._stop.is_set():
                self._ask(session, "GET")
                self._ask(session, "POST", json={"product_name": "Mug"})
                self.rounds[number] += 1

    def _ask(self, session: requests.Session, method: str, **body: object) -> None:
        try:
            status = session.request(
                method, f"{self.client.service.url}/orders/", timeout=30, **body
            ).status_code
        except requests.RequestException:
            status = 0
        with self._counting:
            self.answers[method, status] += 1


def counted(service: Service) -> float:
    """Orders placed, as /metrics tells: by all workers, those that have ended too."""
    sample = 'http_requests_total{method="POST",route="/orders",status="201"} '
    lines = requests.get(f"{service.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.removeprefix(sample)) for line in lines if line.startswith(sample))


def test_a_rolling_restart_under_load_fails_no_request(restarted, customer):
    """SIGHUP: new workers come before the old ones go, and no order is lost or uncounted."""
    with Load(customer) as load:
        load.one_more_round()
        old = workers(restarted)
        restarted.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not old & workers(restarted), what="the old workers have ended")
        load.one_more_round()

    assert set(load.answers) == {("GET", 200), ("POST", 201)}, load.answers
    placed = load.answers["POST", 201]
    assert customer.call("GET", "/orders/").json()["count"] == placed == counted(restarted)


def test_a_stop_answers_what_it_has_begun(cluster, restarted, customer):
    """Last, for it ends the service: SIGTERM arrives while a change waits for a row that somebody holds."""
    order = customer.call("POST", "/orders/", product_name="Mug").json()["id"]
    url = urlsplit(os.environ["SERVICE_DATABASE_URL"])
    holder = MySQLdb.connect(
        host=url.hostname, port=url.port, user=url.username, password=url.password, database=url.path[1:]
    )
    with ThreadPoolExecutor(1) as pool, holder, holder.cursor() as cursor:
        cursor.execute("SELECT id FROM orders_order WHERE id = %s FOR UPDATE", [order])
        change = pool.submit(customer.call, "PATCH", f"/orders/{order}", product_name="Bowl")
        wait_until(
            lambda: (
                cluster.query("primary", "SELECT COUNT(*) FROM performance_schema.data_lock_waits") != "0"
            ),
            what="the change waits",
        )
        restarted.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(restarted), what="no new connections are taken")
        assert not change.done()
        holder.rollback()

        assert change.result().status_code == 200
        assert change.result().json()["product_name"] == "Bowl"
    assert restarted.process.wait(30) == 0


def refuses(service: Service) -> bool:
    url = urlsplit(service.url)
    try:
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
