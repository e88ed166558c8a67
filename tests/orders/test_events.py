"""GET /orders/{reference}/events, POST /orders/{reference}/notes"""

import pytest

from orders.models import OrderEvent
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


def events(client, order):
    return client.get(f"/orders/{order.pk}/events").json()["results"]


def test_each_change_leaves_one_event_with_who_and_what(staff, staff_client, member, member_client):
    order = OrderFactory(customer=member)

    staff_client.patch(f"/orders/{order.pk}", {"product_name": "Bowl"}, HTTP_X_REQUEST_ID="trace-7")
    staff_client.post(f"/orders/{order.pk}/prepare")

    placed, changed, prepared = events(staff_client, order)
    assert [e["seq"] for e in (placed, changed, prepared)] == [1, 2, 3]
    assert [e["type"] for e in (placed, changed, prepared)] == ["place", "change", "prepare"]
    assert changed["data"] == {"product_name": [order.product_name, "Bowl"]}
    assert (changed["actor"], changed["role"], changed["request_id"]) == (staff.pk, "staff", "trace-7")
    assert (prepared["from_status"], prepared["to_status"]) == ("paid", "preparing")
    assert (placed["from_status"], placed["to_status"]) == (None, "paid")


def test_a_change_to_what_it_is_already_is_none(staff_client, member):
    order = OrderFactory(customer=member)

    staff_client.patch(f"/orders/{order.pk}", {"product_name": order.product_name})

    assert len(events(staff_client, order)) == 1


def test_the_owner_sees_neither_internal_notes_nor_who_of_the_staff(staff_client, member_client, member):
    order = OrderFactory(customer=member)
    staff_client.post(f"/orders/{order.pk}/notes", {"text": "pays late"})
    staff_client.post(f"/orders/{order.pk}/notes", {"text": "comes tomorrow", "audience": "customer"})
    member_client.post(f"/orders/{order.pk}/notes", {"text": "thank you", "audience": "internal"})

    assert [e["data"].get("text") for e in events(staff_client, order)] == [
        None,
        "pays late",
        "comes tomorrow",
        "thank you",
    ]
    _, theirs, own = events(member_client, order)
    assert theirs["data"] == {"text": "comes tomorrow", "audience": "customer"}
    assert (theirs["actor"], theirs["request_id"]) == (None, "")
    assert (own["actor"], own["data"]["audience"]) == (member.pk, "customer")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " "}, {"text": "x" * 2001}, {"text": ["x"]}])
def test_a_note_has_words(member_client, member, body):
    answer = member_client.post(f"/orders/{OrderFactory(customer=member).pk}/notes", body)

    assert answer.status_code == 400
    assert list(answer.json()) == ["text"]
    assert OrderEvent.objects.count() == 1


def test_another_members_events_are_not_to_be_found(client_of, other, member):
    order = OrderFactory(customer=member)

    assert client_of(other).get(f"/orders/{order.pk}/events").status_code == 404
    assert client_of(other).post(f"/orders/{order.pk}/notes", {"text": "hm"}).status_code == 404
