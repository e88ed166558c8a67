"""The Idempotency-Key header. Simultaneous requests: tests/replication/test_races.py"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import IdempotencyKey, Order, OrderEvent
from orders.placing import Line
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

MUG = {"product_name": "머그컵 🏺"}


def post(client, path, body, key, **headers):
    return client.post(path, body, headers={"Idempotency-Key": key, **headers})


def test_the_same_again_is_answered_alike_and_done_once(member_client):
    first = post(member_client, "/orders/", MUG, "k-1")
    again = post(member_client, "/orders", MUG, '"k-1"')

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Order.objects.count() == OrderEvent.objects.count() == 1


def test_the_answer_stays_the_first_one_whatever_happens_to_the_order(member_client):
    first = post(member_client, "/orders/", MUG, "k-1").json()
    member_client.post(f"/orders/{first['id']}/cancel")

    assert post(member_client, "/orders/", MUG, "k-1").json() == first


@pytest.mark.parametrize(
    ("path", "body"), [("/orders/", {"product_name": "Bowl"}), ("/orders/1/cancel", MUG), ("/orders/", {})]
)
def test_another_request_with_the_key_is_422_and_does_nothing(member_client, path, body):
    post(member_client, "/orders/", MUG, "k-1")

    assert post(member_client, path, body, "k-1").status_code == 422
    assert Order.objects.count() == 1


def test_spaces_and_the_order_of_members_do_not_matter(member_client):
    sent = [b'{"product_name":"Mug","status":"pending"}', b'{ "status" : "pending", "product_name": "Mug" }']
    first, again = (
        member_client.post(
            "/orders/", body, content_type="application/json", headers={"Idempotency-Key": "k"}
        )
        for body in sent
    )

    assert again.content == first.content
    assert Order.objects.count() == 1


def test_a_key_is_its_callers_own(member_client, client_of, other):
    mine, theirs = (post(client, "/orders/", MUG, "k-1") for client in (member_client, client_of(other)))

    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.django_db(transaction=True)  # what fails is rolled back
def test_an_error_is_not_kept(member_client):
    assert post(member_client, "/orders/", {}, "k-1").status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert post(member_client, "/orders/", MUG, "k-1").status_code == 201


@pytest.mark.django_db(transaction=True)  # what fails is rolled back
def test_a_conflict_is_not_kept_either(staff_client, member):
    order = OrderFactory(customer=member, status="pending")
    ship = f"/orders/{order.pk}/ship"

    assert post(staff_client, ship, {}, "k-1").status_code == 409
    staff_client.post(f"/orders/{order.pk}/pay")
    assert post(staff_client, ship, {}, "k-1").status_code == 200
    assert post(staff_client, ship, {}, "k-1").json()["status"] == "shipped"


@pytest.mark.parametrize(("suffix", "body"), [("notes", {"text": "hm"}), ("refunds", {"amount": "1"})])
def test_every_post_that_changes_heeds_keys(staff_client, member, suffix, body):
    order = OrderFactory(customer=member, lines=[Line("Mug", 10, Decimal(1))])

    answers = [post(staff_client, f"/orders/{order.pk}/{suffix}", body, "k-1") for _ in range(3)]

    assert len({answer.content for answer in answers}) == 1
    assert OrderEvent.objects.filter(order=order).count() == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a b", "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused_by_name(member_client, key):
    answer = post(member_client, "/orders/", MUG, key)

    assert answer.status_code == 400
    assert list(answer.json()) == ["Idempotency-Key"]
    assert not Order.objects.exists()


def test_after_a_day_the_key_is_free_again(member_client):
    first = post(member_client, "/orders/", MUG, "k-1").json()
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    second = post(member_client, "/orders/", MUG, "k-1").json()

    assert second["id"] != first["id"]
    assert post(member_client, "/orders/", MUG, "k-1").json() == second
    assert IdempotencyKey.objects.count() == 1
