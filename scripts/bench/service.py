"""The real service in gunicorn; for counting with one worker and one thread, so one connection a node."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30  # seconds


@dataclass(frozen=True)
class Shape:
    """How gunicorn is started: `options` of its command line, `application` if not the service."""

    workers: int = 1
    threads: int = 1
    options: tuple[str, ...] = ()
    application: tuple[str, ...] = ()


class Service:
    """gunicorn, from `with` to its end. `settings` are environment variables."""

    def __init__(self, state: Path, settings_module: str, *, shape: Shape = Shape(), **settings: str) -> None:
        self._log, self._shape = state / "gunicorn.log", shape
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings_module,
            "CACHE_FILE": str(state / "cache.sqlite3"),
            "WEB_CONCURRENCY": str(shape.workers),
            **settings,
        }
        self.has_replicas = bool(self._environment.get("REPLICA_URLS"))

    def __enter__(self) -> "Service":
        command = [sys.executable, "-m", "gunicorn", "-c", "drf_oms/gunicorn.py"]
        command += ["--threads", str(self._shape.threads), *self._shape.options, *self._shape.application]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a constant command
                [*command, "--log-level", "info", "--bind", "127.0.0.1:0"],
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us, who then stop it in good order
                stdout=log,
                stderr=log,
            )
        try:
            self.port = int(self._once(self._listening))
            self._once(self._alive)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def worker(self) -> int:
        """The process that answers, where there is one."""
        return self.workers()[0]

    def workers(self) -> list[int]:
        """The processes that answer."""
        master = self._process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def call(self, method: str, path: str, token: str = "", **body: Any) -> tuple[int, str]:
        """The status of the answer, and which databases it names."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers if token else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("X-Database", "default")
        finally:
            connection.close()

    def _once(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (value := condition()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the service does not run:\n{self._log.read_text()}")
            time.sleep(0.05)  # between two looks
        return value

    def _listening(self) -> str:
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self._log.read_text())
        return found[1] if found else ""

    def _alive(self) -> bool:
        return self.call("GET", "/healthz")[0] == 200
