"""scripts/systemd/ at work: nginx before gunicorn on a unix socket that outlives it"""

import configparser
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.programs import required
from tests.replication.cluster import DEADLINE, ROOT, Client, Service, wait_until
from tests.replication.log_search import found_in
from tests.replication.test_restart import Load

SYSTEMD = ROOT / "scripts" / "systemd"
DOCKER = ROOT / "docker" / "nginx"
AROUND_A_SITE = """
    pid {place}/pid; events {{}}
    http {{
        types {{ text/css css; }}
        client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
        uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
        {site}
    }}
"""


def exec_start() -> list[str]:
    """What drf-oms.service runs, out of this environment instead of the one in /opt."""
    unit = configparser.RawConfigParser(strict=False)
    unit.read(SYSTEMD / "drf-oms.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    return [str(Path(sys.executable).with_name(Path(program).name)), *arguments]


class Activated(Service):
    """The service as systemd starts it: on sockets that somebody else holds (sd_listen_fds(3))."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, TRUSTED_PROXIES="1")
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(state / "drf-oms.sock"))
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", 0))
        for listening in (self.unix, self.tcp):
            listening.listen(1024)
        self.files = [self.unix.fileno(), self.tcp.fileno()]

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.unix.close()
        self.tcp.close()

    def command(self) -> list[str]:
        unix, tcp = self.files
        script = f'exec 3<&{unix} 4<&{tcp}; export LISTEN_PID=$$ LISTEN_FDS=2; exec "$@"'
        return ["bash", "-c", script, "bash", *exec_start()]

    def restart(self, *, sockets_stay: bool = True) -> None:
        with nullcontext() if sockets_stay else self._without_a_socket():
            self.process.terminate()
            self.process.wait(DEADLINE)
            self.start()

    @contextmanager
    def _without_a_socket(self) -> Iterator[None]:
        """As if it had been the service's own."""
        path = Path(self.unix.getsockname())
        away = path.rename(path.with_suffix(".away"))
        try:
            yield
        finally:
            away.rename(path)

    def _listening(self) -> str:
        assert self.process.poll() is None, self.log.read_text()
        return "http://{}:{}".format(*self.tcp.getsockname())


def with_ours(config: Path, ours: dict[str, object]) -> str:
    """A configuration with what differs here in the place of theirs."""
    text = config.read_text()
    for theirs, our in ours.items():
        assert theirs in text, f"{config} has no {theirs}"
        text = text.replace(theirs, str(our))
    return text


def of_site(place: Path, address: str, gunicorns_socket: Path) -> str:
    ours = {
        "listen 80;": f"listen {address};",
        "/run/drf-oms.sock": gunicorns_socket,
        "/opt/drf-oms/var/static": place / "static",
        "/var/log/nginx": place,
    }
    return AROUND_A_SITE.format(place=place, site=with_ours(SYSTEMD / "nginx.conf", ours))


def of_compose(place: Path, address: str) -> str:
    ours = {
        "/tmp/": f"{place}/",  # noqa: S108 - first, for the checkout may be there
        "listen 8080;": f"listen {address};",
        "include /etc/nginx/mime.types;": "",
        "/etc/nginx/app.conf": DOCKER / "app.conf",
        "/dev/std": f"{place}/std",
    }
    return with_ours(DOCKER / "nginx.conf", ours)


@contextmanager
def nginx(place: Path, config_of: Callable[..., str], *details: object) -> Iterator[str]:
    """It runs on a port of its own; answers its URL."""
    (place / "static").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "{}:{}".format(*free.getsockname())
    (place / "nginx.conf").write_text(config_of(place, address, *details))
    # As root its workers would be somebody else, who may not use the socket.
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    program = required("nginx", package="nginx")
    command = [program, "-c", place / "nginx.conf", "-e", place / "stderr", "-g", directives]
    process = subprocess.Popen(command)
    try:
        wait_until(lambda: answers(address), what="nginx answers")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(DEADLINE)


def answers(address: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"http://{address}/static/", timeout=10).status_code in (403, 404)
    return False


@pytest.fixture(scope="module")
def service(cluster, tmp_path_factory) -> Iterator[Activated]:
    with Activated(tmp_path_factory.mktemp("gunicorn")) as service:
        yield service


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("behind") / "nginx"


@pytest.fixture(scope="module")
def behind(service, place) -> Iterator[Any]:
    """What a client knows: a URL, which is nginx's."""
    with nginx(place, of_site, service.unix.getsockname()) as url:
        yield SimpleNamespace(url=url)
    assert found_in((place / "drf-oms.log").read_text()) == []


@pytest.fixture
def customer(behind, new_email) -> Client:
    client = Client(behind)
    assert client.register(new_email()).status_code == 201
    return client


def test_poc_passes_through_nginx_and_a_unix_socket(behind, place):
    ran = subprocess.run(["scripts/poc.sh", behind.url], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r" POST /orders/? 201 ", (place / "drf-oms.log").read_text())


def test_nginx_answers_static_files(behind, place):
    (place / "static" / "only-here.css").write_text("p { margin: 0 }")

    answer = requests.get(f"{behind.url}/static/only-here.css", timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/css")


@pytest.mark.parametrize(("path", "status"), [("/orders/", 413), ("/orders/import", 401)])
def test_large_requests_are_for_imports_alone(behind, path, status):
    answer = requests.post(behind.url + path, data=b" " * 2**21, timeout=30)

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_metrics_are_on_the_other_socket_alone(service, behind):
    refused, told = (requests.get(f"{url}/metrics", timeout=10) for url in (behind.url, service.url))

    assert refused.status_code == 404
    assert "http_requests_total" in told.text


def test_a_restart_loses_no_request(service, customer):
    """Who connects while nobody runs waits in the socket, which systemd holds."""
    with Load(customer) as load:
        load.one_more_round()
        former = service.process.pid
        service.restart()
        load.one_more_round()

    assert service.process.pid != former
    assert set(load.answers) == {("GET", 200), ("POST", 201)}, load.answers
    assert customer.call("GET", "/orders/").json()["count"] == load.answers["POST", 201]


def test_a_restart_without_such_a_socket_would_lose_some(service, customer):
    with Load(customer) as load:
        service.restart(sockets_stay=False)
        load.one_more_round()

    assert load.answers["GET", 503] > 0


@pytest.mark.parametrize(("config", "details"), [(of_site, ["/run/nobody.sock"]), (of_compose, [])])
def test_without_the_service_nginx_says_so_as_the_service_would(tmp_path, config, details):
    with nginx(tmp_path / "nginx", config, *details) as url:
        answer = requests.get(f"{url}/orders/", timeout=10)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "unavailable" in answer.json()["detail"]
