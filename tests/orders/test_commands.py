"""manage.py export_orders, import_orders, cancel_expired_orders, clear_idempotency_keys, verify_orders"""

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders import idempotency
from orders.management.commands import verify_orders
from orders.models import IdempotencyKey, Order, OrderEvent, OrderLine
from orders.placing import Line
from routers import probe, testing
from routers.continuation import Continuation
from routers.testing import assert_routed_to
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


class TestExportOrders:
    @pytest.fixture
    def export(self, monkeypatch):
        def export(*arguments: str) -> list[dict[str, str]]:
            out = SimpleNamespace(buffer=io.BytesIO())
            monkeypatch.setattr("sys.stdout", out)
            call_command("export_orders", *arguments)
            return list(csv.DictReader(io.StringIO(out.buffer.getvalue().decode(), newline="")))

        return export

    def test_writes_all_orders_newest_first(self, export, member, other):
        placed = [OrderFactory(customer=customer).order_number for customer in (member, other)]

        assert [row["order_number"] for row in export()] == placed[::-1]

    def test_takes_the_filters_of_the_list(self, export, member, other):
        mine = OrderFactory(customer=member, product_name="Mug")
        OrderFactory(customer=other)

        for filters in (["--customer", str(member.pk)], ["--product-name", "Mug"]):
            assert [row["order_number"] for row in export(*filters)] == [mine.order_number]

    def test_names_a_filter_that_makes_no_sense(self, export):
        with pytest.raises(CommandError, match="--customer"):
            export("--customer", "x")

    def test_has_emails_when_asked(self, export, member):
        OrderFactory(customer=member)

        assert "customer_email" not in export()[0]
        assert export("--emails")[0]["customer_email"] == member.email

    def test_writes_a_file_with_a_byte_order_mark(self, tmp_path, member, capfd):
        OrderFactory(customer=member)

        run("export_orders", "--bom", "--output", str(tmp_path / "orders.csv"))

        assert (tmp_path / "orders.csv").read_bytes().startswith(b"\xef\xbb\xbforder_number,")
        assert capfd.readouterr() == ("", "")  # no progress bar where nobody looks

    def test_says_what_it_cannot_write(self, tmp_path):
        with pytest.raises(CommandError, match="nowhere"):
            run("export_orders", "--output", str(tmp_path / "nowhere" / "orders.csv"))

    @pytest.mark.django_db(transaction=True, databases="__all__")
    def test_reads_a_replica_that_has_what_is_committed(self, export, member):
        OrderFactory(customer=member)

        with testing.Twin("replica1") as twin:
            twin.apply()
            with assert_routed_to("replica1"):
                assert len(export()) == 1

    @pytest.mark.django_db(transaction=True, databases="__all__")
    def test_reads_the_primary_where_no_replica_has(self, export, member):
        OrderFactory(customer=member)

        with testing.Twin("replica1") as twin:
            twin.commit()
            with assert_routed_to("default"):
                assert len(export()) == 1
            assert [seconds for _, _, seconds in twin.waits] == [10]


class TestImportOrders:
    @pytest.fixture
    def file(self, tmp_path, member):
        file = tmp_path / "orders.csv"
        file.write_text(
            f"external_reference,customer,product_name\n1,{member.pk},Mug\n2,{member.email},Bowl\n"
        )
        return file

    def test_imports_a_file_once(self, file):
        assert run("import_orders", str(file)) == "2 created, 0 existing, 0 failed.\n"
        assert run("import_orders", str(file)) == "0 created, 2 existing, 0 failed.\n"
        assert Order.objects.count() == 2
        assert set(OrderEvent.objects.values_list("role", "actor")) == {("system", None)}

    def test_takes_json_lines(self, tmp_path, member):
        file = tmp_path / "orders"
        file.write_text(f'{{"external_reference": "1", "customer": {member.pk}, "product_name": "Mug"}}\n')

        assert run("import_orders", str(file), "--format", "jsonl").startswith("1 created")
        with pytest.raises(CommandError, match="--format"):
            run("import_orders", str(file))

    def test_a_dry_run_writes_nothing(self, file):
        assert run("import_orders", str(file), "--dry-run").startswith("2 created")
        assert not Order.objects.exists()

    @pytest.mark.parametrize(("mode", "count"), [("all", 0), ("best", 2)])
    def test_names_row_and_field_of_what_is_bad(self, file, mode, count, capsys):
        file.write_text(file.read_text() + "3,nobody@example.com,Mug\n")

        with pytest.raises(CommandError, match="1 failed"):
            call_command("import_orders", str(file), "--mode", mode)

        assert "row 4, customer: " in capsys.readouterr().out
        assert Order.objects.count() == count

    def test_says_which_file_is_missing(self, tmp_path):
        with pytest.raises(CommandError, match=r"nowhere\.csv"):
            run("import_orders", str(tmp_path / "nowhere.csv"))


class TestCancelExpiredOrders:
    @pytest.fixture
    def expired(self, member):
        order = OrderFactory(
            customer=member, status="pending", placed_at=timezone.now() - timedelta(hours=25)
        )
        OrderFactory(customer=member, status="pending", placed_at=timezone.now() - timedelta(hours=23))
        OrderFactory(customer=member, placed_at=timezone.now() - timedelta(hours=25))
        return order

    def test_cancels_what_was_never_paid(self, expired):
        assert run("cancel_expired_orders", "--older-than", "24") == "1 expired orders are canceled.\n"
        assert run("cancel_expired_orders", "--older-than", "24") == "0 expired orders are canceled.\n"
        assert Order.objects.get(status="canceled") == expired
        assert expired.events.last().role == "expiry"

    def test_a_dry_run_counts_them(self, expired):
        assert "1 expired orders would be" in run("cancel_expired_orders", "--older-than", "24", "--dry-run")
        assert not Order.objects.filter(status="canceled").exists()

    @pytest.mark.parametrize("hours", ["0", "-1", "soon", "nan", "1e300"])
    def test_needs_hours(self, hours):
        with pytest.raises(CommandError, match="hours"):
            run("cancel_expired_orders", f"--older-than={hours}")


def test_clear_idempotency_keys_deletes_those_that_no_longer_count(member):
    for key, age in (("old", idempotency.KEPT), ("new", timedelta(0))):
        IdempotencyKey.objects.create(caller=member, key=key, created_at=timezone.now() - age)

    assert run("clear_idempotency_keys") == "1 idempotency keys are deleted.\n"
    assert IdempotencyKey.objects.get().key == "new"


class TestVerifyOrders:
    @pytest.fixture
    def orders(self, member, other, monkeypatch):
        monkeypatch.setattr(verify_orders, "BATCH", 2)
        return [OrderFactory(customer=member, lines=[Line("Mug", 2)]) for _ in range(3)] + [
            OrderFactory(customer=other)
        ]

    def test_says_that_all_agree(self, orders):
        assert run("verify_orders") == "4 orders agree with their histories.\n"

    def test_names_what_differs(self, orders, capsys):
        OrderLine.objects.filter(order=orders[2]).update(quantity_canceled=1)

        with pytest.raises(CommandError, match="1 of 4 orders"):
            call_command("verify_orders")

        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(f"{orders[2].order_number}: lines ")

    def test_looks_at_one_customer(self, orders, other):
        Order.objects.filter(pk=orders[0].pk).update(version=7)

        assert run("verify_orders", "--customer", str(other.pk)).startswith("1 orders agree")

    def test_a_change_meanwhile_is_no_fault(self, orders, monkeypatch):
        monkeypatch.setattr(
            verify_orders.replay, "faults", lambda order, told=[["changed"]]: told.pop() if told else []
        )

        assert run("verify_orders").startswith("4 orders agree")


def test_nothing_is_asked_of_the_primary_without_replicas(settings, member, monkeypatch):
    settings.ROUTERS = {}
    monkeypatch.setattr(probe, "executed", None)

    assert Continuation().read(Order.objects.count) == 0
