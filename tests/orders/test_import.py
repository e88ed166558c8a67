"""POST /orders/import"""

import csv
import io
import json
import threading
import tracemalloc
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connections
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orders import replay, services
from orders.actors import SYSTEM, Actor
from orders.imports import checking, formats
from orders.imports.importing import import_orders
from orders.imports.insertion import insert_drafts
from orders.lifecycle import Action, Role, Status
from orders.models import Order, OrderEvent, OrderLine
from routers import consistency, positions
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db

PATH = "/orders/import"
CSV, JSONL = "text/csv", "application/x-ndjson"


def csv_file(*rows: dict, columns: list[str] | None = None) -> bytes:
    lines = io.StringIO()
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(lines, names)
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode()


def json_lines(*rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def send(client, body: bytes, content_type: str = CSV, **query):
    path = PATH + "?" + "&".join(f"{name}={value}" for name, value in query.items())
    return client.generic("POST", path, body, content_type)


def rows_of(customer, count: int, **more) -> list[dict]:
    common = {"customer": customer.pk, "product_name": "머그컵 🏺", "unit_price": "12000", **more}
    return [{"external_reference": f"shop-{number}", **common} for number in range(count)]


def nothing_is_written() -> bool:
    return not (Order.objects.exists() or OrderLine.objects.exists() or OrderEvent.objects.exists())


class TestAFile:
    def test_becomes_orders(self, member, staff_client):
        answer = send(
            staff_client,
            csv_file(
                {
                    "external_reference": "shop-1",
                    "customer": member.email.upper(),
                    "product_name": "Two mugs",
                    "sku": "M-1",
                    "name": "Mug",
                    "quantity": 2,
                    "unit_price": "12.50",
                    "currency": "USD",
                    "status": "delivered",
                    "placed_at": "2024-05-31T12:30:00+09:00",
                    "paymented_at": "2024-05-31 12:31",
                    "order_number": "ABCDEF123456",
                    "source": "oldshop",
                }
            ),
        )

        row = {"row": 2, "external_reference": "shop-1", "result": "created", "order_number": "ABCDEF123456"}
        assert answer.status_code == 200
        assert answer.json() == {"created": 1, "existing": 0, "failed": 0, "rows": [row]}
        order = staff_client.get("/orders/ABCDEF123456").json()
        assert {name: order[name] for name in ("customer", "product_name", "status", "payment_status")} == {
            "customer": member.pk,
            "product_name": "Two mugs",
            "status": "delivered",
            "payment_status": "paid",
        }
        assert (order["total"], order["currency"], order["source"]) == ("25.00", "USD", "oldshop")
        assert order["placed_at"] == "2024-05-31T12:30:00+09:00"
        assert order["paymented_at"] == "2024-05-31T12:31:00+09:00"
        assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("M-1", 2)]

    def test_of_json_lines_may_have_many_lines_an_order(self, member, staff_client):
        lines = [{"name": "Mug", "quantity": 2, "unit_price": "1000"}, {"name": "Bowl", "unit_price": 500}]
        row = {"external_reference": "shop-1", "customer": member.pk, "lines": lines}

        for content_type in (JSONL, "application/jsonl"):
            assert send(staff_client, json_lines(row), content_type).status_code == 200

        order = Order.objects.get()
        assert (order.total, order.product_name, order.source) == (2500, "Mug +1", "import")
        assert order.lines.count() == 2

    def test_may_name_a_product_alone(self, member, staff_client):
        send(staff_client, csv_file({"external_reference": 1, "customer": member.pk, "product_name": "Mug"}))

        line = Order.objects.get().lines.get()
        assert (line.name, line.quantity, line.unit_price) == ("Mug", 1, 0)

    def test_may_begin_with_a_byte_order_mark(self, member, staff_client):
        (row,) = rows_of(member, 1)

        assert send(staff_client, b"\xef\xbb\xbf" + csv_file(row)).json()["created"] == 1
        assert (
            send(
                staff_client,
                b"\xef\xbb\xbf"
                + json_lines({"external_reference": "j-1", "customer": member.pk, "product_name": "Mug"}),
                JSONL,
            ).json()["created"]
            == 1
        )

    def test_may_have_empty_lines_which_are_counted(self, member, staff_client):
        body = csv_file(*rows_of(member, 1)).replace(b"shop-0", b"\r\nshop-0")

        assert [row["row"] for row in send(staff_client, body).json()["rows"]] == [3]

    def test_names_its_importer_in_the_history(self, member, staff, staff_client):
        send(staff_client, csv_file(*rows_of(member, 1)))

        event = OrderEvent.objects.get()
        assert (event.type, event.role, event.actor_id, event.seq) == ("place", "staff", staff.pk, 1)
        assert event.request_id

    def test_makes_replicas_wait_for_its_customers(self, member, other, staff_client, monkeypatch):
        touched = []
        monkeypatch.setattr(consistency, "touches", touched.append)

        send(staff_client, csv_file(*rows_of(member, 2), {**rows_of(other, 1)[0], "external_reference": "x"}))

        assert {member.pk, other.pk} <= set(touched)


@pytest.mark.parametrize(
    ("status", "paid"),
    [(status, paid) for status in Status for paid in (True, False) if status != Status.PENDING or not paid],
)
def test_every_status_has_a_history_that_can_be_played_again(member, staff_client, status, paid):
    (row,) = rows_of(member, 1, status=status.value, quantity=3, placed_at="2024-05-31T12:30:00Z")
    row |= {"paymented_at": "2024-06-01T00:00:00Z"} if paid else {}

    assert send(staff_client, csv_file(row)).status_code == 200

    order = Order.objects.get()
    assert replay.faults(order) == []
    assert order.status == status
    unpaid = status == Status.PENDING or (status == Status.CANCELED and not paid)
    assert order.payment_status == ("unpaid" if unpaid else "paid")
    line = order.lines.get()
    assert line.open_quantity == (0 if status in (Status.CANCELED, Status.RETURNED) else 3)


def test_an_imported_order_goes_on_like_any_other(member, staff_client):
    send(staff_client, csv_file(*rows_of(member, 1, status="shipped")))

    order = services.move_order(
        order=Order.objects.get(), action=Action.RETURN, actor=Actor(Role.STAFF, member.pk)
    )
    order = services.refund_order(order=order, actor=SYSTEM)

    assert (order.status, order.payment_status) == ("returned", "refunded")
    assert replay.faults(order) == []


class TestARepeatedFile:
    def test_imports_nothing_twice(self, member, staff_client):
        body = csv_file(*rows_of(member, 3, placed_at="2024-05-31", status="canceled"))

        first, second = send(staff_client, body).json(), send(staff_client, body)

        assert second.status_code == 200
        assert {name: second.json()[name] for name in ("created", "existing", "failed")} == {
            "created": 0,
            "existing": 3,
            "failed": 0,
        }
        assert [row["order_number"] for row in second.json()["rows"]] == [
            row["order_number"] for row in first["rows"]
        ]
        assert Order.objects.count() == 3

    def test_also_after_the_orders_went_on(self, member, staff_client):
        body = csv_file(*rows_of(member, 1))
        send(staff_client, body)
        services.change_order(order=Order.objects.get(), actor=SYSTEM, product_name="Bowl")

        assert send(staff_client, body).json()["existing"] == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"product_name": "Bowl"},
            {"unit_price": "1"},
            {"status": "shipped"},
            {"placed_at": "2024-05-31"},
            {"order_number": "ABCDEF123456"},
        ],
    )
    def test_with_other_content_is_a_conflict_that_writes_nothing(self, member, staff_client, other):
        (row,) = rows_of(member, 1)
        send(staff_client, csv_file(row))

        answer = send(staff_client, csv_file({**row, **other}, {**row, "external_reference": "new"}))

        assert answer.status_code == 400
        (failed,) = answer.json()["rows"]
        assert (failed["row"], list(failed["errors"])) == (2, ["external_reference"])
        assert Order.objects.count() == 1

    def test_of_another_customer_is_a_conflict(self, member, other, staff_client):
        send(staff_client, csv_file(*rows_of(member, 1)))

        assert send(staff_client, csv_file(*rows_of(other, 1))).status_code == 400

    def test_an_idempotency_key_is_not_heeded(self, member, staff_client):
        for number in range(2):
            body = csv_file({**rows_of(member, 1)[0], "external_reference": f"r-{number}"})
            answer = staff_client.generic("POST", PATH, body, CSV, headers={"Idempotency-Key": "k"})
            assert answer.json()["created"] == 1


class TestModes:
    @pytest.fixture
    def body(self, member):
        good = rows_of(member, 3)
        bad = {**good[0], "external_reference": "bad", "unit_price": "-1"}
        return csv_file(good[0], bad, *good[1:])

    def test_all_writes_nothing_where_a_row_is_bad(self, body, staff_client):
        answer = send(staff_client, body)

        assert answer.status_code == 400
        assert answer.json()["created"] == 0
        (failed,) = answer.json()["rows"]
        assert (failed["row"], failed["external_reference"], failed["result"]) == (3, "bad", "failed")
        assert list(failed["errors"]) == ["unit_price"]
        assert nothing_is_written()

    def test_best_writes_the_good_ones(self, body, staff_client):
        answer = send(staff_client, body, mode="best")

        assert answer.status_code == 200
        assert [row["result"] for row in answer.json()["rows"]] == ["created", "failed", "created", "created"]
        assert set(Order.objects.values_list("external_reference", flat=True)) == {
            "shop-0",
            "shop-1",
            "shop-2",
        }

    @pytest.mark.parametrize("mode", ["all", "best"])
    def test_a_dry_run_tells_the_same_and_writes_nothing(self, body, staff_client, mode):
        dry = send(staff_client, body, mode=mode, dry_run=1)
        assert nothing_is_written()

        real = send(staff_client, body, mode=mode)

        assert dry.status_code == real.status_code
        assert [row["result"] for row in dry.json()["rows"]] == [row["result"] for row in real.json()["rows"]]

    @pytest.mark.parametrize(("name", "value"), [("mode", "some"), ("dry_run", "perhaps")])
    def test_another_one_is_a_400_that_names_it(self, staff_client, body, name, value):
        answer = send(staff_client, body, **{name: value})

        assert answer.status_code == 400
        assert list(answer.json()) == [name]


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


class TestWhoMay:
    def test_members_may_not(self, member, member_client):
        assert send(member_client, csv_file(*rows_of(member, 1))).status_code == 403
        assert nothing_is_written()

    def test_staff_need_the_permission(self, member, client_of):
        clerk = MemberFactory()
        clerk.is_staff = True
        clerk.save()
        assert send(client_of(clerk), csv_file(*rows_of(member, 1))).status_code == 403

        clerk.user_permissions.add(Permission.objects.get(codename="import_order"))
        assert send(client_of(clerk), csv_file(*rows_of(member, 1))).status_code == 200

    def test_nobody_without_a_token(self, anonymous):
        assert send(anonymous, b"x").status_code == 401


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


def test_statements_go_with_batches_not_with_rows(member, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(checking, "BATCH", 100)
    body = io.BytesIO(csv_file(*rows_of(member, 1_000)))

    with django_assert_max_num_queries(2 + 10 * (2 + 4 + 2)):  # look up; write; a savepoint
        report = import_orders(body, file_format="csv", mode="all", actor=SYSTEM)

    assert report.counts()["created"] == 1_000


def held_beside_the_report(member, rows: int) -> int:
    """Bytes that Python held at most, less those that the report goes on holding."""
    long = {"product_name": "P" * 200, "sku": "S" * 60, "name": "N" * 200}
    body = io.BytesIO(csv_file(*rows_of(member, rows, **long)))
    tracemalloc.start()
    try:
        report = import_orders(body, file_format="csv", mode="all", actor=SYSTEM, dry_run=True)
        held, peak = tracemalloc.get_traced_memory()
        assert report.counts()["created"] == rows
        return peak - held
    finally:
        tracemalloc.stop()


def test_a_row_more_takes_less_memory_than_it_is_long(member):
    few, many = (held_beside_the_report(member, rows) for rows in (1_500, 4_500))

    assert (many - few) / 3_000 < 460


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    @pytest.fixture
    def small_batches(self, monkeypatch):
        monkeypatch.setattr(checking, "BATCH", 50)

    @pytest.mark.usefixtures("small_batches")
    @pytest.mark.parametrize("mode", ["all", "best"])
    def test_make_no_order_twice(self, member, mode, client_of, staff):
        body = csv_file(*rows_of(member, 200))
        clients = [client_of(staff), client_of(staff)]
        barrier, answers = threading.Barrier(2), []

        def run(client):
            try:
                barrier.wait(10)
                answers.append(send(client, body, mode=mode))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.status_code for answer in answers] == [200, 200]
        assert sum(answer.json()["created"] for answer in answers) == 200
        assert sum(answer.json()["existing"] for answer in answers) == 200
        assert Order.objects.count() == OrderLine.objects.count() == OrderEvent.objects.count() == 200

    @pytest.fixture
    def quicker(self, member, monkeypatch):
        """Somebody places an order with a row's reference, after the file was checked."""
        check = checking.check

        def check_and_lose(*args):
            check(*args)
            OrderFactory(customer=member, external_reference="shop-1", product_name="Another")

        monkeypatch.setattr("orders.imports.importing.check", check_and_lose)

    def test_all_or_nothing_leaves_nothing_when_somebody_is_quicker(self, member, staff_client, quicker):
        answer = send(staff_client, csv_file(*rows_of(member, 3)))

        assert answer.status_code == 400
        assert [(row["row"], list(row["errors"])) for row in answer.json()["rows"]] == [
            (3, ["external_reference"])
        ]
        assert Order.objects.get().product_name == "Another"

    def test_best_writes_the_others(self, member, staff_client, quicker):
        answer = send(staff_client, csv_file(*rows_of(member, 3)), mode="best")

        assert [row["result"] for row in answer.json()["rows"]] == ["created", "failed", "created"]
        assert Order.objects.count() == 3

    @pytest.mark.parametrize(("mode", "status_code"), [("all", 503), ("best", 200)])
    def test_locks_that_others_hold_too_long_leave_nothing_half_done(
        self, member, staff_client, monkeypatch, mode, status_code
    ):
        def insert_and_wait_in_vain(*args):
            insert_drafts(*args)
            raise OperationalError(1205, "Lock wait timeout exceeded; try restarting transaction")

        monkeypatch.setattr("orders.imports.writing.insert_drafts", insert_and_wait_in_vain)

        answer = send(staff_client, csv_file(*rows_of(member, 2)), mode=mode)

        assert answer.status_code == status_code
        assert nothing_is_written()
        if mode == "best":
            assert [list(row["errors"]) for row in answer.json()["rows"]] == [["row"], ["row"]]

    def test_a_member_who_vanishes_meanwhile_is_a_failed_row(self, member, staff_client, monkeypatch):
        leaver, check = MemberFactory(), checking.check

        def check_and_lose(*args):
            check(*args)
            leaver.auth_token_set.all().delete()
            leaver.delete()

        monkeypatch.setattr("orders.imports.importing.check", check_and_lose)
        rows = [*rows_of(member, 1), {**rows_of(leaver, 1)[0], "external_reference": "gone"}]

        answer = send(staff_client, csv_file(*rows), mode="best")

        assert [list(row.get("errors", {})) for row in answer.json()["rows"]] == [[], ["customer"]]

    def test_the_customers_position_contains_it(self, member, staff_client):
        send(staff_client, csv_file(*rows_of(member, 1)))

        assert positions.of(member.pk).gtids


def test_times_of_the_future_have_some_minutes_for_clocks(member, staff_client):
    soon = (timezone.now() + timedelta(minutes=1)).isoformat()

    assert send(staff_client, csv_file(*rows_of(member, 1, placed_at=soon))).status_code == 200
    assert Order.objects.get().total == Decimal(12000)
