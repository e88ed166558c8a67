"""ETag, If-Match and If-None-Match on an order"""

from datetime import UTC, datetime

import pytest

from tests.factories import OrderFactory
from tests.orders.walking import many_orders

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(member):
    return f"/orders/{OrderFactory(customer=member).pk}"


def test_an_unchanged_order_is_not_sent_again(member_client, path):
    etag = member_client.get(path).headers["ETag"]

    unchanged = member_client.get(path, headers={"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    member_client.patch(path, {"product_name": "Bowl"})
    assert member_client.get(path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?pagination=cursor", "?limit=2", "?limit=2&pagination=cursor&status=paid"]
)
@pytest.mark.parametrize("path", ["/orders/", "/accounts/users/{}/orders"])
def test_an_unchanged_page_is_not_sent_again(member, member_client, path, query):
    first, _, last = OrderFactory.create_batch(3, customer=member)
    path = path.format(member.pk) + query
    etags = []

    def changed() -> bool:
        etags.append(member_client.get(path).headers["ETag"])
        again = member_client.get(path, headers={"If-None-Match": etags[-1]})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etags[-1])
        return etags[-1] not in etags[:-1]

    assert changed()
    assert not changed()
    member_client.patch(f"/orders/{last.pk}", {"product_name": "Bowl"})
    assert changed()
    OrderFactory(customer=member)
    assert changed()
    member_client.post(f"/orders/{first.pk}/notes", {"text": "on no page of two"})
    assert changed() == ("limit" not in query)


def test_a_page_changes_with_what_it_says_of_others(member, member_client):
    """Its rows may stay the same while the count, or whether there is a next page, does not."""
    many_orders(member, 2)
    paths = ("/orders/?limit=2", "/orders/?limit=2&pagination=cursor")
    before = [member_client.get(path).headers["ETag"] for path in paths]

    many_orders(member, 1, placed_at=[datetime(2020, 1, 1, tzinfo=UTC)])

    for path, etag in zip(paths, before, strict=True):
        answer = member_client.get(path, headers={"If-None-Match": etag})
        assert (answer.status_code, len(answer.json()["results"])) == (200, 2)


def test_a_poll_reads_the_token_and_what_it_asks_for(member, member_client, django_assert_num_queries):
    order = OrderFactory(customer=member)
    for path in ("/orders/", "/orders/?pagination=cursor", f"/orders/{order.pk}"):
        etag = member_client.get(path).headers["ETag"]
        with django_assert_num_queries(2):
            assert member_client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_somebody_elses_page_is_another(member_client, client_of, other):
    etag = member_client.get("/orders/").headers["ETag"]
    OrderFactory(customer=other)

    assert client_of(other).get("/orders/", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("patch", "", {"product_name": "Bowl"}),
        ("post", "/ship", {}),
        ("post", "/cancel", {}),
        ("post", "/notes", {"text": "hm"}),
    ],
)
def test_a_change_of_what_was_not_read_is_refused(staff_client, path, method, suffix, body):
    read = staff_client.get(path)
    staff_client.post(f"{path}/notes", {"text": "somebody else was quicker"})
    changed = getattr(staff_client, method)

    refused = changed(path + suffix, body, headers={"If-Match": read.headers["ETag"]})

    assert refused.status_code == 412
    now = staff_client.get(path)
    assert now.json()["version"] == read.json()["version"] + 1
    assert now.headers["ETag"] in refused.json()["detail"]
    either = f'"of before", {now.headers["ETag"]}'
    assert changed(path + suffix, body, headers={"If-Match": either}).status_code in (200, 201)


@pytest.mark.parametrize("tag", ['"1"', "nonsense", 'W/"1-1"', ""])
def test_a_tag_that_is_not_the_orders_never_matches(member_client, path, tag):
    assert member_client.patch(path, {"product_name": "B"}, headers={"If-Match": tag}).status_code == 412


def test_any_version_may_be_asked_for(member_client, path):
    assert member_client.patch(path, {"product_name": "B"}, headers={"If-Match": "*"}).status_code == 200
