"""POST /orders/import: very many rows, and two files at once"""

import io
import threading
import tracemalloc

import pytest
from django.db import OperationalError, connections

from orders.actors import SYSTEM
from orders.imports import checking
from orders.imports.importing import import_orders
from orders.imports.insertion import insert_drafts
from orders.models import Order, OrderEvent, OrderLine
from routers import positions
from tests.factories import MemberFactory, OrderFactory
from tests.orders.import_files import csv_file, nothing_is_written, rows_of, send

pytestmark = pytest.mark.django_db


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
