"""GET /orders/export.csv"""

import csv
import io
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders import exporting, services
from orders.actors import SYSTEM
from orders.exporting import csv_of
from orders.models import Order
from orders.placing import Line, draft
from routers import pool, probe, scope, testing
from routers.testing import assert_routed_to
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db(databases="__all__")

PATH = "/orders/export.csv"
REAL_EXECUTED = probe.executed


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(client, **filters) -> list[dict[str, str]]:
    return read(text_of(client.get(PATH, filters)))


def numbers(rows) -> list[str]:
    return [row["order_number"] for row in rows]


def bulk_insert(customer, count: int) -> None:
    now = timezone.now()
    Order.objects.bulk_create(
        [
            draft(
                customer=customer,
                order_number=f"{number:012}",
                product_name="Mug " * 20,
                placed_at=now - timedelta(seconds=number),
            ).order
            for number in range(count)
        ],
        batch_size=2_000,
    )


def test_a_line_has_what_the_order_has(member, member_client):
    order = OrderFactory(
        customer=member,
        lines=[Line("Mug", 2, Decimal("12.5"), "M-1")],
        currency="USD",
        external_reference="shop-1",
        source="web",
    )
    services.refund_order(order=order, actor=SYSTEM, amount=Decimal("1.05"))
    shown = member_client.get(f"/orders/{order.pk}").json()

    (row,) = exported(member_client)

    assert row == {name: str(shown[name]) for name in row}
    assert row["total"] == "25.00"
    assert row["refunded_total"] == "1.05"
    assert row["placed_at"].endswith("+09:00")


def test_what_is_not_there_is_an_empty_cell(member, member_client):
    OrderFactory(customer=member, status="pending")

    (row,) = exported(member_client)

    assert row["paymented_at"] == row["external_reference"] == ""


def test_is_a_file_that_nobody_keeps(member_client):
    answer = member_client.get(PATH)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert answer["Cache-Control"] == "private, no-store"
    assert text_of(answer).startswith("order_number,external_reference,customer,product_name,")


def test_a_head_has_the_headers_alone(member_client):
    answer = member_client.head(PATH)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "*/*", "image/png"])
def test_any_accept_gets_it(member_client, accept):
    assert member_client.get(PATH, headers={"Accept": accept}).status_code == 200
    assert member_client.get(PATH, {"bom": "x"}, headers={"Accept": accept}).json().keys() == {"bom"}


def test_the_slash_does_not_matter(member_client):
    assert member_client.get(f"{PATH}/").status_code == 200


def test_own_orders_newest_first(member, member_client, other):
    placed = [OrderFactory(customer=member).order_number for _ in range(3)]
    OrderFactory(customer=other)

    assert numbers(exported(member_client)) == placed[::-1]


def test_staff_narrow_it_as_they_narrow_the_list(staff_client, member, other):
    mine, theirs = OrderFactory(customer=member), OrderFactory(customer=other, product_name="도자기")

    assert numbers(exported(staff_client)) == [theirs.order_number, mine.order_number]
    assert numbers(exported(staff_client, customer=member.pk)) == [mine.order_number]
    assert numbers(exported(staff_client, product_name="도자기")) == [theirs.order_number]
    assert numbers(exported(staff_client, search="lovelace")) == [theirs.order_number]


def test_a_member_cannot_look_at_others_through_filters(member_client, other):
    theirs = OrderFactory(customer=other)

    assert exported(member_client, customer=other.pk) == []
    assert exported(member_client, search=theirs.order_number) == []


def test_emails_are_for_staff_that_may_look_at_members(staff_client, client_of, member):
    OrderFactory(customer=member)
    clerk = MemberFactory()
    clerk.is_staff = True
    clerk.save()
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))

    assert exported(staff_client)[0]["customer_email"] == member.email
    assert "customer_email" not in exported(client_of(clerk))[0]
    assert "customer_email" not in exported(client_of(member))[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bom", "-1"),
        ("bom", "maybe"),
        ("customer", "-1"),
        ("customer", "x"),
        ("limit", "10"),
        ("offset", "-5"),
        ("ordering", "id"),
    ],
)
def test_what_makes_no_sense_is_a_400_that_names_it(staff_client, name, value):
    answer = staff_client.get(PATH, {name: value})

    assert answer.status_code == 400
    assert list(answer.json()) == [name]


def test_a_token_is_needed(anonymous):
    assert anonymous.get(PATH).status_code == 401


def test_excel_gets_its_byte_order_mark(member_client):
    assert text_of(member_client.get(PATH, {"bom": "1"})).startswith("\ufefforder_number,")
    assert text_of(member_client.get(PATH, {"bom": "0"})).startswith("order_number,")


@pytest.mark.parametrize("dangerous", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1"])
def test_a_formula_is_made_harmless(member, member_client, dangerous):
    OrderFactory(customer=member, product_name=dangerous)

    assert exported(member_client)[0]["product_name"] == f"'{dangerous}"


@pytest.mark.parametrize("plain", ["-5", "+1.50", "3=3", "a@b.example", "'=1"])
def test_what_is_no_formula_stays(member, member_client, plain):
    OrderFactory(customer=member, product_name=plain)

    assert exported(member_client)[0]["product_name"] == plain


names = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00") | st.sampled_from('",\r\n\t=+-@🏺'),
    max_size=40,
)


@given(cells=st.lists(names, min_size=1, max_size=8))
def test_whatever_stands_in_a_name_comes_out_of_the_file(cells):
    shape = exporting.shape_of(["product_name", "currency"])
    lines = io.StringIO()
    csv.writer(lines).writerows(shape((cell, "KRW", None, 1)) for cell in cells)

    parsed = list(csv.reader(io.StringIO(lines.getvalue(), newline="")))

    assert [row[0].removeprefix("'") for row in parsed] == [cell.removeprefix("'") for cell in cells]
    assert not any(
        exporting.FORMULA.match(row[0]) and not exporting.AMOUNT.fullmatch(row[0]) for row in parsed
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(names, min_size=1, max_size=5))
def test_whatever_stands_in_the_table_comes_out_of_the_file(member, cells):
    Order.objects.all().delete()
    Order.objects.bulk_create(
        draft(customer=member, order_number=f"{number:012}", product_name=cell).order
        for number, cell in enumerate(cells)
    )

    rows = read(b"".join(csv_of(Order.objects.all(), batch=2)).decode())

    assert {row["order_number"]: row["product_name"].removeprefix("'") for row in rows} == {
        f"{number:012}": cell.removeprefix("'") for number, cell in enumerate(cells)
    }


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
def test_batches_have_each_order_once(member, count):
    bulk_insert(member, count)
    Order.objects.update(placed_at=timezone.now())  # nothing but the id tells them apart

    rows = read(b"".join(csv_of(Order.objects.all(), batch=3)).decode())

    newest_first = Order.objects.order_by("-placed_at", "-id").values_list("order_number", flat=True)
    assert numbers(rows) == list(newest_first)


def test_one_statement_a_batch_and_no_offset(member, django_assert_num_queries):
    bulk_insert(member, 7)

    with django_assert_num_queries(1 + 3) as asked:  # what the primary has committed; the batches
        list(csv_of(Order.objects.all(), batch=3))

    assert not any("OFFSET" in statement["sql"] for statement in asked)


def test_an_order_placed_meanwhile_is_not_in_it(member):
    bulk_insert(member, 6)
    lines = csv_of(Order.objects.all(), batch=3)
    first = next(lines)
    new = OrderFactory(customer=member)

    rows = read((first + b"".join(lines)).decode())

    assert len(rows) == 6
    assert new.order_number not in numbers(rows)


def test_what_fails_before_the_first_line_is_an_error(member_client, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(exporting, "shape_of", fail)

    with testing.Twin("replica1", "replica2"):
        assert member_client.get(PATH).status_code == 503


@pytest.mark.django_db(transaction=True, databases="__all__")
class TestReadsAReplica:
    """Real connections by the replicas' aliases; what each node contains is said by the twin."""

    @pytest.fixture
    def answer(self, member, client_of):
        """Of an export whose first batch has been read, on a replica."""
        bulk_insert(member, 5)
        client = client_of(member)
        with testing.Twin("replica1", "replica2") as twin, mock.patch.object(exporting, "BATCH", 2):
            twin.nodes.primary.executed = REAL_EXECUTED(connections["default"])
            twin.apply()
            answer = client.get(PATH)
            assert answer["X-Database"] in {"replica1", "replica2"}
            yield answer

    def test_for_every_batch_also_after_the_request(self, answer):
        with assert_routed_to(answer["X-Database"]):
            assert len(read(text_of(answer))) == 5

    def test_another_one_where_the_first_is_lost_between_batches(self, answer):
        (other,) = {"replica1", "replica2"} - {answer["X-Database"]}
        with connections["default"].cursor() as cursor:
            cursor.execute("KILL CONNECTION %s", [connections[answer["X-Database"]].connection.thread_id()])

        with assert_routed_to(answer["X-Database"], other):
            assert len(read(text_of(answer))) == 5

    def test_the_primary_for_what_the_member_has_written_meanwhile(self, answer, member, other_device):
        assert other_device.post("/orders/", {"product_name": "Mug"}).status_code == 201

        with assert_routed_to("default"):
            assert len(read(text_of(answer))) == 5

    def test_and_gives_it_back(self, answer):
        text_of(answer)
        answer.close()

        assert [node.outstanding for node in pool.nodes()] == [0, 0, 0]

    def test_also_when_the_client_goes_away(self, answer):
        next(iter(answer.streaming_content))
        answer.close()

        assert [node.outstanding for node in pool.nodes()] == [0, 0, 0]
        assert scope.current() is None

    @pytest.fixture
    def other_device(self, answer, member, client_of):
        return client_of(member)


def peak_of(orders, rows: int) -> int:
    """Bytes that Python held at most beyond what it held before."""
    tracemalloc.start()
    try:
        written = sum(piece.count(b"\r\n") for piece in csv_of(orders, batch=500))
        assert written == rows + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_three_times_the_rows_take_no_more_memory(member):
    bulk_insert(member, 15_000)
    newest = Order.objects.order_by("-placed_at")[4_999:5_000].get().placed_at

    some = peak_of(Order.objects.filter(placed_at__gte=newest), 5_000)
    all_of_them = peak_of(Order.objects.all(), 15_000)

    assert all_of_them < 1.3 * some
