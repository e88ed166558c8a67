"""POST /orders/import"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from orders import replay, services
from orders.actors import SYSTEM, Actor
from orders.lifecycle import Action, Role, Status
from orders.models import Order, OrderEvent
from routers import consistency
from tests.factories import MemberFactory
from tests.orders.import_files import (
    JSONL,
    csv_file,
    json_lines,
    nothing_is_written,
    rows_of,
    send,
)

pytestmark = pytest.mark.django_db


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


def test_times_of_the_future_have_some_minutes_for_clocks(member, staff_client):
    soon = (timezone.now() + timedelta(minutes=1)).isoformat()

    assert send(staff_client, csv_file(*rows_of(member, 1, placed_at=soon))).status_code == 200
    assert Order.objects.get().total == Decimal(12000)
