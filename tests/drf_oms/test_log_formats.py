"""Lines for people and for programs, without personal data"""

import json
import logging
import sys

import pytest

from drf_oms.gunicorn_logger import without_callers_words
from drf_oms.log_formats import BLOT, Json, Line, blot, known

TOKEN = "0123456789abcdef" * 4


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("orders", logging.WARNING, __file__, 1, message, args or None, None)
    vars(made).update(extra)
    return made


def test_a_json_line_has_a_field_for_each_fact():
    line = json.loads(Json().format(record("placed %s", 17, request_id="r-1", status=201)))

    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") > 0
    assert line == {
        "level": "WARNING",
        "logger": "orders",
        "request_id": "r-1",
        "message": "placed 17",
        "status": 201,
    }


def test_outside_a_request_the_id_is_a_dash():
    assert json.loads(Json().format(record("started")))["request_id"] == "-"
    assert " WARNING orders [-] started" in Line().format(record("started"))


@pytest.mark.parametrize("formatter", [Line(), Json()])
def test_a_traceback_does_not_quote_what_was_refused(formatter):
    try:
        raise ValueError("Duplicate entry 'ada@example.com' for key 'email'")
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    line = formatter.format(failed)

    assert "Duplicate entry" in line
    assert "ada@example.com" not in line
    assert formatter.format(failed).count("\n") == (0 if isinstance(formatter, Json) else line.count("\n"))


@pytest.mark.parametrize(
    "personal",
    ["ada.l+x@mail.example.com", TOKEN, f"Token {TOKEN}", "01012345678", "010-1234-5678", "+821012345678"],
)
def test_personal_data_is_blotted_out(personal):
    blotted = blot(f"it was {personal} , it seems")

    assert personal not in blotted
    assert blotted.removeprefix("it was ").removeprefix("Token ") == f"{BLOT} , it seems"


@pytest.mark.parametrize(
    "harmless",
    [
        "Listening at: http://127.0.0.1:18765 (2896)",
        "access denied for 'oms_app'@'127.0.0.1'",
        "fall_back reason=behind",
        "fall_back reason=token unknown",
        "order 123456 of 2026-11-20 15:11:47,353",
        "c1bb5ba2-7b2c-11ee-b962-0242ac120002:1-77",
    ],
)
def test_the_rest_stays(harmless):
    assert blot(harmless) == harmless


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (f"Invalid request from ip=192.0.2.1: 'GET /x?key={TOKEN}'", "a request cannot be read"),
        ("Error handling request GET /x?search=ada", "a request failed"),
        ("Booting worker with pid: 17", "Booting worker with pid: 17"),
    ],
)
def test_gunicorn_does_not_repeat_callers(said, logged):
    line = record(said)
    assert without_callers_words(line)
    assert line.getMessage() == logged


def test_an_unknown_format_stops_the_start_with_the_remedy():
    assert known("json") == "json"
    with pytest.raises(ValueError, match="Set it to one of: line, json"):
        known("xml")
