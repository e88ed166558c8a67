"""Whatever a client sends, the answer is JSON and says what was wrong."""

import json

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(member_client):
    def send(body: bytes, content_type: str = "application/json"):
        return member_client.generic("POST", "/orders/", body, content_type=content_type)

    return send


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"{'product_name': 'Mug'}",
        b'{"product_name": NaN}',
        '{"product_name": "머그"}'.encode("euc-kr"),
        b'{"product_name": "\\ud800"}',
        b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_broken_json_is_a_400(send, body):
    answer = send(body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null", b"true"])
def test_a_body_that_is_not_an_object_is_a_400(send, body):
    assert send(body).status_code == 400


def test_a_body_beyond_the_limit_is_a_413(send, settings):
    settings.REQUEST_BODY_LIMIT = 100

    answer = send(b'{"product_name": "' + b"x" * 100 + b'"}')

    assert answer.status_code == 413
    assert "100 bytes" in answer.json()["detail"]


def test_another_content_type_is_a_415(send):
    assert send(b"product_name=Mug", "application/x-www-form-urlencoded").status_code == 415


def test_text_round_trips(send):
    text = "한글 日本語 ɐ 🏺 ‎ \\ \" '"

    assert send(json.dumps({"product_name": text}).encode()).json()["product_name"] == text


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/orders/a-b", "/orders/../admin", "/accounts/users/x", "/%00"]
)
def test_an_unknown_path_is_a_404_in_json(anonymous, path):
    answer = anonymous.get(path)

    assert answer.status_code == 404
    assert "detail" in answer.json()


def test_a_wrong_method_is_a_405_that_names_the_right_ones(member_client):
    answer = member_client.put("/orders/", {})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_host_that_is_not_ours_is_a_400_in_json(anonymous):
    answer = anonymous.get("/orders/", HTTP_HOST="evil.example")

    assert answer.status_code == 400
    assert "detail" in answer.json()


def test_a_failure_of_ours_is_a_500_in_json_that_hides_its_cause(member_client, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError("secret cause")

    monkeypatch.setattr("orders.views.place_order", fail)
    member_client.raise_request_exception = False

    answer = member_client.post("/orders/", {"product_name": "Mug"}, HTTP_X_REQUEST_ID="trace-1")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "The server failed; report the request id.", "request_id": "trace-1"}


@pytest.mark.parametrize("query", ["search=%00", "search=%ff", "ordering=password", "product_name=%ED%A0%80"])
def test_an_odd_query_string_does_no_harm(member_client, query):
    assert member_client.get(f"/orders/?{query}").status_code in (200, 400)
