"""The real cluster and the real service, as tests hold them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.replication.log_search import found_in

ROOT = Path(__file__).resolve().parents[2]
REPLICAS = ("replica1", "replica2")
DEADLINE = 30  # seconds until a condition that must come true counts as broken


def wait_until(condition: Callable[[], Any], *, what: str, seconds: float = DEADLINE) -> Any:
    """The first true value of the condition; AssertionError when the deadline passes."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)  # between two looks, not instead of one
    return value


class Cluster:
    """`scripts/cluster.sh` on the cluster of the test run, or on the one that the environment names."""

    def __init__(self, **environment: str) -> None:
        self.environment = {**os.environ, **environment}

    def run(self, *arguments: str) -> str:
        command = [str(ROOT / "scripts" / "cluster.sh"), *arguments]
        ran = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert ran.returncode == 0, f"{' '.join(arguments)}: {ran.stderr}"
        return ran.stdout

    def query(self, node: str, sql: str) -> str:
        return self.run("mysql", node, "--batch", "--skip-column-names", "-e", sql).strip()

    def wait_for_replicas(self) -> None:
        """Until both replicas have applied what the primary has committed by now."""
        committed = self.query("primary", "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
        for replica in REPLICAS:
            reached = self.query(replica, f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{committed}', {DEADLINE})")
            assert reached == "0", f"{replica} has not caught up"

    @contextmanager
    def delayed(self, seconds: int) -> Iterator[None]:
        """Both replicas apply each transaction this long after its commit."""
        try:
            for replica in REPLICAS:
                self.run("delay", replica, str(seconds))
            yield
        finally:
            for replica in REPLICAS:
                self.run("delay", replica, "0")

    @contextmanager
    def paused(self, replica: str) -> Iterator[None]:
        """The replica receives transactions and applies none."""
        try:
            self.run("pause", replica)
            yield
        finally:
            self.run("resume", replica)

    @contextmanager
    def down(self, node: str, *, how: str) -> Iterator[None]:
        """The node is not there; `how` is "kill" or "stop". Afterwards it accepts connections again."""
        try:
            self.run(how, node)
            yield
        finally:
            self.run("start", node)

    @contextmanager
    def frozen(self, node: str) -> Iterator[None]:
        """The node's kernel accepts connections, and nobody ever answers them (SIGSTOP)."""
        pid = self.pid(node)
        try:
            os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def pid(self, node: str) -> int:
        [row] = [row.split() for row in self.run("status").splitlines() if row.startswith(f"{node} ")]
        return int(row[3])


class Service:
    """gunicorn with two worker processes, started as run.sh starts it."""

    def __init__(self, state: Path, **settings: str) -> None:
        self.state = state
        self.mails = state / "mails"
        self.settings = settings
        self.files: list[int] = []  # open ones that it is to have, by number
        self.url = ""

    def __enter__(self) -> "Service":
        self.log = self.state / "gunicorn.log"
        self.start()
        return self

    def start(self) -> None:
        """It is ready afterwards, or does not run."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environment(), stdout=log, stderr=log, pass_fds=self.files
            )
        try:
            self.url = wait_until(self._listening, what="the service listens")
            wait_until(self._ready, what="the service is ready")
        except BaseException:  # __exit__ is not called then
            self.process.terminate()
            self.process.wait(DEADLINE)
            raise

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", "drf_oms/gunicorn.py", "--bind", "127.0.0.1:0"]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": os.environ["SERVICE_DATABASE_URL"],
            "DJANGO_SETTINGS_MODULE": "drf_oms.settings",
            "CACHE_FILE": str(self.state / "cache.sqlite3"),
            "EMAIL_URL": f"filemail:///{self.mails}",
            "EXPOSE_DATABASE_HEADER": "true",
            "THROTTLE_REGISTER": "100000/min",
            "THROTTLE_LOGIN": "100000/min",
            "WEB_CONCURRENCY": "2",
            **self.settings,
        }

    def __exit__(self, kind: object, *exception: object) -> None:
        """Whatever was done to it, its log says nothing that no log may."""
        self.process.terminate()
        self.process.wait(DEADLINE)
        assert kind or found_in(self.log.read_text()) == []

    def mail_with(self, *words: str) -> str:
        """The mail that has all these words in it, once it was sent.

        Django names a file by the second and the backend's `id()`, which comes again: one may hold two.
        """

        def found() -> str:
            files = [path.read_text() for path in self.mails.glob("*.log")]
            sent = (mail for text in files for mail in text.split("-" * 79)[:-1])  # the last is not ended
            return next((mail for mail in sent if all(word in mail for word in words)), "")

        return wait_until(found, what=f"a mail with {words}")

    def _listening(self) -> str:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"Listening at: (\S+)", self.log.read_text())
        return found[1] if found else ""

    def has_all_in_service(self) -> bool:
        """In each worker's view: whose replica is out reads the other one, not the one of their choice."""
        return all(self.ready()["status"] == "ok" for _ in range(10))

    def ready(self) -> dict[str, Any]:
        """What some worker says of the nodes."""
        return requests.get(f"{self.url}/readyz", timeout=10).json()

    def _ready(self) -> bool:
        return requests.get(f"{self.url}/readyz", timeout=10).status_code == 200


class Client:
    """A client as curl is one: it keeps a token and nothing else."""

    password = "Correct-horse-7"

    def __init__(self, service: Service, token: str | None = None) -> None:
        self.service = service
        self.token = token
        self.member = 0

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **body: Any
    ) -> requests.Response:
        credentials = {"Authorization": f"Token {self.token}"} if self.token else {}
        return requests.request(
            method,
            self.service.url + path,
            json=body or None,
            headers={**credentials, **(headers or {})},
            timeout=30,
        )

    def stream(self, path: str) -> requests.Response:
        """A GET whose body is read as the caller goes."""
        headers = {"Authorization": f"Token {self.token}"}
        return requests.get(self.service.url + path, headers=headers, stream=True, timeout=30)

    def register(self, email: str) -> requests.Response:
        details = {"name": "김하늘", "nickname": "haneul", "phone": "01012345678", "password": self.password}
        return self._signed_in(self.call("POST", "/accounts/users", email=email, **details))

    def log_in(self, email: str) -> requests.Response:
        return self._signed_in(self.call("POST", "/auth/login", email=email, password=self.password))

    def _signed_in(self, answer: requests.Response) -> requests.Response:
        if answer.ok:
            self.token, self.member = answer.json()["token"], answer.json()["user"]["id"]
        return answer


def databases(answer: requests.Response) -> list[str]:
    """The aliases that answered, in order."""
    return [alias for alias in answer.headers["X-Database"].split(", ") if alias]
