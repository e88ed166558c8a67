"""X-Request-Id, in and out and in the logs."""

import logging

import pytest

from drf_oms.request_id import RequestIdFilter, current_request_id


def record() -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": "something"})
    RequestIdFilter().filter(made)
    return made


def test_a_sane_id_is_taken(anonymous):
    assert anonymous.get("/healthz", HTTP_X_REQUEST_ID="abc-1.2_3").headers["X-Request-Id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "two words", "line\nbreak", "x" * 129, "이름"])
def test_another_is_made(anonymous, given):
    made = anonymous.get("/healthz", HTTP_X_REQUEST_ID=given).headers["X-Request-Id"]

    assert made != given
    assert len(made) == 32


def test_log_lines_carry_it(monkeypatch, anonymous):
    seen = []
    monkeypatch.setattr("drf_oms.health.alive", lambda: seen.append(record().request_id) or 1 / 0)
    anonymous.raise_request_exception = False

    anonymous.get("/healthz", HTTP_X_REQUEST_ID="abc")

    assert seen == ["abc"]
    assert record().request_id == current_request_id.get() == "-"
