"""ETag, If-Match and If-None-Match on an order"""

import pytest

from tests.factories import OrderFactory

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
