"""Clients that order and look while something happens to the servers, and write down what they saw."""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.replication.cluster import Client, Service
from tests.replication.history import SHOWN, History, Placed, Read

PATIENCE = 60.0  # seconds in which a client repeats what it has no answer to


class Customer:
    """Places one order after the other and looks at all of them; repeats what it has no answer to."""

    def __init__(self, client: Client, history: History, run: str, *, key: bool = True) -> None:
        self.client, self.history, self.run = client, history, run
        self.key = key  # whether each try carries the same Idempotency-Key
        self.numbers = itertools.count()

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.place()
            self.read()

    def try_to_place(self) -> int:
        """Once; the status."""
        name = f"{self.run}-{self.client.member}-{next(self.numbers)}"
        return self._post(name, {"Idempotency-Key": name})

    def place(self, *, hang_up: bool = False) -> Placed:
        """Until it is answered for good, or patience ends. `hang_up`: the first try hears no answer."""
        name = f"{self.run}-{self.client.member}-{next(self.numbers)}"
        headers = {"Idempotency-Key": name} if self.key else {}
        started, statuses = time.monotonic(), []
        acknowledged = None
        while acknowledged is None and time.monotonic() < started + PATIENCE:
            status = self._post(name, headers)
            statuses.append(0 if hang_up and not statuses else status)
            if statuses[-1] in (200, 201):
                acknowledged = time.monotonic()
            elif 400 <= statuses[-1] < 500 and statuses[-1] not in (409, 429):
                break
            elif statuses[-1]:
                time.sleep(0.1)  # less patient than Retry-After asks for
        order = Placed(self.client.member, name, started, acknowledged, tuple(statuses))
        self.history.placed.append(order)
        return order

    def _post(self, name: str, headers: dict[str, str]) -> int:
        try:
            return self.client.call("POST", "/orders/", headers, product_name=name).status_code
        except requests.RequestException:
            return 0

    def read(self) -> Read:
        started = time.monotonic()
        try:
            answer = self.client.call("GET", f"/orders/?pagination=cursor&limit={SHOWN}")
            status, lost = answer.status_code, "X-Lost-Transactions" in answer.headers
        except requests.RequestException:
            status, lost = 0, False
        names = (order["product_name"] for order in answer.json()["results"]) if status == 200 else ()
        read = Read(self.client.member, started, time.monotonic(), status, tuple(names), lost)
        self.history.reads.append(read)
        return read


class Looker(Customer):
    """A member with nothing pending: only reads."""

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.read()


@dataclass
class Load:
    """Customers who order and customers who only look, of their own for each history."""

    customers: list[Customer]
    lookers: list[Looker]
    history: History
    run: str

    @classmethod
    def on(cls, service: Service, *, customers: int = 3, lookers: int = 2, key: bool = True) -> "Load":
        history, run = History(), f"h{uuid.uuid4().hex[:8]}"

        def member(number: int) -> Client:
            client = Client(service)
            client.register(f"{run}.{number}@example.com").raise_for_status()
            return client

        with ThreadPoolExecutor(4) as pool:
            clients = list(pool.map(member, range(customers + lookers)))
        return cls(
            [Customer(client, history, run, key=key) for client in clients[:customers]],
            [Looker(client, history, run) for client in clients[customers:]],
            history,
            run,
        )

    @contextmanager
    def at_work(self) -> Iterator[History]:
        """They go on until the block ends."""
        stop = threading.Event()
        loops = [*self.customers, *self.lookers]
        with ThreadPoolExecutor(len(loops)) as pool:
            running = [pool.submit(each.work, stop) for each in loops]
            try:
                yield self.history
            finally:
                stop.set()
        for each in running:
            each.result()

    def looked(self) -> list[Read]:
        """Reads of those with nothing pending."""
        members = {looker.client.member for looker in self.lookers}
        return [read for read in self.history.reads if read.member in members]

    def acknowledged_since(self, moment: float) -> bool:
        return any(order.acknowledged > moment for order in self.history.acknowledged())


def pause(dice: random.Random, at_most: float) -> None:
    """When a fault strikes is drawn, not chosen."""
    time.sleep(dice.uniform(0, at_most))  # the draw is the purpose
