"""What members entrust to the service stands in no log, whatever goes wrong."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from drf_oms.log_formats import BLOT
from tests.replication.cluster import Client, Service, wait_until
from tests.replication.log_search import found_in

FORMATS = ("line", "json")
NEW_PASSWORD = "Another-horse-8"
PHONE, NAME, NOTE = "01012345678", "김하늘", "leave it with Grace next door"


def reset_link(service: Service, email: str) -> tuple[str, str]:
    mail = service.mail_with(email, "/password/reset/")
    return re.findall(r"#uid=(\S+)&token=(\S+)", mail)[0]


def raw(service: Service, request: bytes) -> bytes:
    """What the service answers to bytes that are no request."""
    url = urlsplit(service.url)
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(100)


def walk(service: Service, email: str, staff: tuple[str, str]) -> list[str]:
    """All that members and staff do, and much that fails; answers what was secret in it."""
    client, nobody, reader = Client(service), Client(service), Client(service)
    secrets = [email, PHONE, NAME, NOTE, Client.password, NEW_PASSWORD]

    def expect(status: int, answer) -> dict:
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else {}

    details = {"name": NAME, "nickname": "h", "phone": PHONE, "password": Client.password}
    expect(201, client.register(email))
    expect(400, nobody.call("POST", "/accounts/users", email=email, **details))
    expect(400, nobody.call("POST", "/accounts/users", email=email, **details | {"phone": f"{PHONE}x" * 9}))
    expect(400, nobody.call("POST", "/auth/login", email=email, password=NEW_PASSWORD))
    secrets.append(client.token)

    order = expect(201, client.call("POST", "/orders/", product_name=NOTE))["id"]
    expect(201, client.call("POST", f"/orders/{order}/notes", text=NOTE))
    expect(200, client.call("GET", f"/orders/?search={NOTE}"))
    expect(200, client.call("GET", "/orders/export.csv"))
    expect(400, client.call("POST", "/orders/", product_name=NOTE * 99))
    expect(404, client.call("GET", f"/members/{email}"))
    expect(401, nobody.call("GET", f"/orders/?token={client.token}"))
    expect(401, Client(service, token=client.token[::-1]).call("GET", "/orders/"))
    secrets.append(client.token[::-1])

    expect(202, nobody.call("POST", "/auth/password/reset", email=email))
    uid, token = reset_link(service, email)
    expect(400, nobody.call("POST", "/auth/password/reset/confirm", uid=uid, token=token, password=PHONE))
    expect(
        204, nobody.call("POST", "/auth/password/reset/confirm", uid=uid, token=token, password=NEW_PASSWORD)
    )
    secrets.append(token)

    expect(200, reader.log_in(staff[0]))
    expect(200, reader.call("GET", f"/accounts/users?search={email}"))
    secrets.append(reader.token)
    credentials = f"Authorization: Token {reader.token}\r\n".encode()
    assert b" 400 " in raw(service, b"GET /orders/?search=" + email.encode() + b" x HTTP/1.1\r\n\r\n")
    assert b" 400 " in raw(
        service, b"GET / HTTP/1.1\r\n" + credentials + b"Bad Header " + credentials + b"\r\n"
    )
    assert b" 400 " in raw(
        service, b"POST /auth/login HTTP/1.1\r\nContent-Length: x\r\n" + credentials + b"\r\n"
    )
    return secrets


@pytest.fixture(scope="module")
def walks(cluster, staff, new_email, tmp_path_factory) -> dict[str, tuple[str, list[str]]]:
    """By format: the log of a walk, at the level that says most, and what was secret in it."""
    states = {log_format: tmp_path_factory.mktemp(log_format) for log_format in FORMATS}

    def one(log_format: str) -> tuple[str, list[str]]:
        settings = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": log_format, "WEB_CONCURRENCY": "1"}
        with Service(states[log_format], **settings) as service:
            secrets = walk(service, new_email(), staff)
            wait_until(lambda: service.log.read_text().count("cannot be read") == 3, what="the last line")
        return service.log.read_text(), secrets

    with ThreadPoolExecutor(len(FORMATS)) as pool:
        return dict(zip(FORMATS, pool.map(one, FORMATS), strict=True))


@pytest.fixture
def lines(walks) -> list[dict]:
    return [json.loads(line) for line in walks["json"][0].splitlines()]


@pytest.mark.parametrize("log_format", FORMATS)
def test_nothing_secret_is_in_the_log(walks, log_format):
    log, secrets = walks[log_format]

    assert "/auth/password/reset/confirm" in log
    assert "/orders/{reference}/notes" in log
    assert found_in(log, *secrets) == []
    assert BLOT not in log, "the last safeguard was needed"


@pytest.mark.parametrize("log_format", FORMATS)
def test_the_search_finds_what_is_planted(walks, log_format):
    log, secrets = walks[log_format]

    for secret in secrets:
        assert found_in(f"{log}\nplanted: {secret}.\n", *secrets), secret
    for telling in ("x ada@example.com", f"Token {'0a' * 32}", "tel 01012345678", f"c00000-{'a' * 32}"):
        assert found_in(f"{log}\n{telling}\n"), telling


def test_every_line_is_one_object(lines):
    assert all({"time", "level", "logger", "request_id", "message"} <= set(line) for line in lines)
    assert {"gunicorn.error", "gunicorn.access"} <= {line["logger"] for line in lines}


def test_each_request_is_one_line_of_the_access_log(lines):
    access = [line for line in lines if line["logger"] == "gunicorn.access" and line["route"] != "/readyz"]
    [note] = [line for line in access if line["route"] == "/orders/{reference}/notes"]
    [export] = [line for line in access if line["route"] == "/orders/export.csv"]

    assert (note["method"], note["status"]) == ("POST", 201)
    assert note["member"] == export["member"] > 0
    assert note["nodes"] == ["default"]
    assert note["duration_ms"] > 0
    assert export["bytes"] > 100  # streamed, and counted to the end
    assert len({line["request_id"] for line in access}) == len(access)
