"""POST /orders/import: the same file again, or what was imported already"""

import pytest

from orders import services
from orders.actors import SYSTEM
from orders.models import Order
from tests.orders.import_files import (
    CSV,
    PATH,
    csv_file,
    rows_of,
    send,
)

pytestmark = pytest.mark.django_db


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
