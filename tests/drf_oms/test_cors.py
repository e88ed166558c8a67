"""Front ends of other origins: only those that CORS_ALLOWED_ORIGINS names."""

from django.test import override_settings

SHOP = "https://shop.example.com"
ALLOWED = override_settings(CORS_ALLOWED_ORIGINS=[SHOP])
HEADERS = "authorization,content-type,idempotency-key,if-match"


def preflight(client, origin: str = SHOP):
    return client.options(
        "/orders/",
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS=HEADERS,
    )


def test_nobody_is_allowed_unless_named(anonymous):
    assert "Access-Control-Allow-Origin" not in preflight(anonymous).headers
    assert "Access-Control-Allow-Origin" not in anonymous.get("/healthz", HTTP_ORIGIN=SHOP).headers


@ALLOWED
def test_a_named_origin_may_send_what_the_api_takes(anonymous):
    answer = preflight(anonymous)

    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key", "if-match", "x-consistency"} <= allowed


@ALLOWED
def test_another_origin_is_not_allowed(anonymous):
    assert "Access-Control-Allow-Origin" not in preflight(anonymous, "https://evil.example.com").headers


@ALLOWED
def test_errors_are_readable_for_a_named_origin(anonymous):
    answer = anonymous.get("/orders/", HTTP_ORIGIN=SHOP)

    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


@ALLOWED
def test_no_credentials_are_asked_of_browsers(anonymous):
    assert "Access-Control-Allow-Credentials" not in preflight(anonymous).headers
