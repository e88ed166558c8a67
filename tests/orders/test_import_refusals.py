"""POST /orders/import: what is no file of orders is refused, and by row and field"""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orders.imports import checking, formats
from orders.models import Order
from tests.factories import OrderFactory
from tests.orders.import_files import CSV, JSONL, csv_file, json_lines, nothing_is_written, rows_of, send

pytestmark = pytest.mark.django_db


BAD_CELLS = [
    ("external_reference", ""),
    ("external_reference", "x" * 65),
    ("external_reference", "nul\x00"),
    ("customer", ""),
    ("customer", "nobody"),
    ("customer", "-1"),
    ("customer", "999999999"),
    ("customer", "nobody@example.com"),
    ("customer", "9" * 30),
    ("product_name", "x" * 201),
    ("product_name", "x" * 100_000),
    ("product_name", "\x07"),
    ("product_name", "   "),
    ("quantity", "0"),
    ("quantity", "1.5"),
    ("quantity", "9" * 30),
    ("quantity", "٣"),
    ("unit_price", "12.5"),  # KRW has no places
    ("unit_price", "1e5"),
    ("unit_price", "NaN"),
    ("unit_price", "-1"),
    ("unit_price", "1" * 16),
    ("sku", "x" * 65),
    ("name", "x" * 201),
    ("currency", "XXX"),
    ("currency", "krw"),
    ("status", "lost"),
    ("placed_at", "yesterday"),
    ("placed_at", "2024-02-30"),
    ("placed_at", "2999-01-01T00:00:00Z"),
    ("placed_at", "0001-01-01T00:00:00+09:00"),
    ("placed_at", "9999-12-31T23:59:59-09:00"),
    ("paymented_at", "1717171717"),
    ("order_number", "short"),
    ("order_number", "ABCDEF12345é"),
    ("source", "old shop"),
    ("source", "가게"),
]


@pytest.mark.parametrize(("field", "value"), BAD_CELLS)
def test_a_bad_cell_is_a_400_that_names_row_and_field(member, staff_client, field, value):
    good = rows_of(member, 2, name="Mug")

    answer = send(staff_client, csv_file(good[0], {**good[1], field: value}, columns=[*formats.COLUMNS]))

    assert answer.status_code == 400
    (failed,) = answer.json()["rows"]
    assert failed["row"] == 3
    assert list(failed["errors"]) == [field]
    assert nothing_is_written()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": "Mug"}, "lines"),
        ({"lines": [1]}, "lines"),
        ({"lines": [{}]}, "lines"),
        ({"lines": [{"name": "Mug", "colour": "red"}]}, "lines"),
        ({"lines": [{"name": "Mug", "unit_price": 1.5}]}, "lines"),
        ({"lines": [{"name": "Mug", "unit_price": "0.5"}]}, "unit_price"),
        ({"lines": [{"name": "Mug", "quantity": True}]}, "lines"),
        ({"lines": [{"name": "M", "quantity": 1_000_000, "unit_price": "9" * 15}]}, "lines"),
        ({"lines": [{"name": "Mug"}] * 201}, "lines"),
        ({"customer": None}, "customer"),
        ({"customer": [1]}, "customer"),
        ({"customer": True}, "customer"),
        ({"status": []}, "status"),
        ({"currency": {}}, "currency"),
        ({"placed_at": 20240531}, "placed_at"),
        ({"product_name": None}, "product_name"),
        ({"colour": "red"}, "colour"),
        ({"status": "pending", "paymented_at": "2024-05-31"}, "paymented_at"),
    ],
)
def test_a_bad_json_field_is_a_400_that_names_row_and_field(member, staff_client, more, field):
    good = {"external_reference": "1", "customer": member.pk, "product_name": "Mug"}

    answer = send(staff_client, json_lines(good, {**good, "external_reference": "2", **more}), JSONL)

    assert answer.status_code == 400
    (failed,) = answer.json()["rows"]
    assert (failed["row"], list(failed["errors"])) == (2, [field])


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"[1]", "row"),
        (b'"x"', "row"),
        (b"1", "row"),
        (b"{", "row"),
        (b'{"customer": "\xff"}', "row"),
        (b'{"customer": NaN}', "row"),
        (b"[" * 100_000, "row"),
    ],
)
def test_a_json_line_that_is_no_object_is_named(member, staff_client, line, field):
    good = {"external_reference": "1", "customer": member.pk, "product_name": "Mug"}

    answer = send(staff_client, json_lines(good) + line, JSONL)

    assert answer.status_code == 400
    (failed,) = answer.json()["rows"]
    assert failed["row"] == 2
    assert field in failed["errors"]


@pytest.mark.parametrize(
    ("body", "row", "field"),
    [
        (b"\r\n", 1, "external_reference"),
        (b"external_reference,customer\r\n", 1, "file"),
        (b"external_reference\r\n1\r\n", 1, "customer"),
        (b"external_reference,customer,colour\r\n1,2,red\r\n", 1, "colour"),
        (b"external_reference,customer,customer\r\n1,2,3\r\n", 1, "customer"),
        (b"external_reference;customer\r\n1;2\r\n", 1, "external_reference;customer"),
        (b"\xff\xfe\x00\r\n", 1, "external_reference"),
        (b"external_reference,customer\r\n1,2,3\r\n", 2, "row"),
        (b"external_reference,customer\r\n1\r\n", 2, "row"),
        (b"external_reference,customer\r\n1,\xff\r\n", 2, "customer"),
        (b'external_reference,customer\r\n1,"2\r\n', 2, "row"),
        (b'external_reference,customer\r\n1,"2"3\r\n', 2, "row"),
        (b"external_reference,customer\r\n1," + b"x" * 200_000, 2, "row"),
        (b"external_reference,customer\r\n1," + b"x" * 2_000_000, 2, "row"),
        (b"\x00" * 10, 1, "external_reference"),
    ],
)
@pytest.mark.parametrize("mode", ["all", "best"])
def test_a_broken_file_is_a_report_that_names_row_and_field(staff_client, body, row, field, mode):
    answer = send(staff_client, body, mode=mode)

    failed = answer.json()["rows"][0]
    assert answer.status_code == (
        400 if row == 1 or mode == "all" or failed["external_reference"] is None else 200
    )
    assert failed["row"] == row
    assert field in failed["errors"]
    assert nothing_is_written()


@pytest.mark.parametrize("content_type", [CSV, JSONL])
def test_an_empty_body_is_a_400(staff_client, content_type):
    answer = send(staff_client, b"", content_type)

    assert answer.status_code == 400
    assert list(answer.json()) == ["file"]


def test_a_reference_or_number_twice_names_the_row_that_had_it_first(member, staff_client):
    row = {**rows_of(member, 1)[0], "order_number": "ABCDEF123456"}

    answer = send(
        staff_client,
        csv_file(row, {**row, "order_number": ""}, {**row, "external_reference": "2"}),
        mode="best",
    )

    assert [list(row.get("errors", {})) for row in answer.json()["rows"]] == [
        [],
        ["external_reference"],
        ["order_number"],
    ]
    assert "2" in answer.json()["rows"][1]["errors"]["external_reference"][0]
    assert Order.objects.count() == 1


def test_a_number_that_somebody_has_is_refused(member, staff_client):
    taken = OrderFactory(customer=member).order_number

    answer = send(staff_client, csv_file(*rows_of(member, 1, order_number=taken)))

    assert list(answer.json()["rows"][0]["errors"]) == ["order_number"]


def test_more_rows_than_possible_are_refused(member, staff_client, monkeypatch):
    monkeypatch.setattr(checking, "MAX_ROWS", 3)

    answer = send(staff_client, csv_file(*rows_of(member, 4)), mode="best")

    assert answer.status_code == 400
    assert [(row["row"], list(row["errors"])) for row in answer.json()["rows"]] == [(5, ["file"])]
    assert nothing_is_written()
    assert send(staff_client, csv_file(*rows_of(member, 3))).status_code == 200


def test_the_limit_is_a_hundred_thousand_rows(staff_client):
    body = b"external_reference,customer\r\n" + b"x,\r\n" * 100_001

    answer = send(staff_client, body)

    assert answer.status_code == 400
    last = answer.json()["rows"][-1]
    assert (last["row"], list(last["errors"])) == (100_002, ["file"])


def test_too_many_bytes_are_a_413(member, staff_client, settings):
    body = csv_file(*rows_of(member, 2))
    settings.IMPORT_BODY_LIMIT = len(body) - 1
    assert send(staff_client, body).status_code == 413

    settings.IMPORT_BODY_LIMIT = len(body)
    assert send(staff_client, body).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "text/csv; charset=euc-kr"],
)
def test_another_content_type_is_a_415(staff_client, content_type):
    assert send(staff_client, b"x", content_type).status_code == 415


@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=60), content_type=st.sampled_from([CSV, JSONL]))
def test_no_body_is_a_500(staff_client, body, content_type):
    header = b"external_reference,customer,placed_at,unit_price,name\n" if content_type == CSV else b""

    assert send(staff_client, header + body, content_type).status_code in (200, 400)


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    said=st.dictionaries(
        st.sampled_from([*formats.KEYS]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=9)
            | st.integers(-(2**63), 2**64 - 1)
            | st.datetimes().map(str),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from([*formats.LINE_FIELDS]), inner, max_size=4)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_json_object_is_a_500(member, staff_client, said):
    body = json_lines({"external_reference": "1", "customer": member.pk, "product_name": "Mug", **said})

    assert send(staff_client, body, JSONL, mode="best", dry_run=1).status_code == 200
