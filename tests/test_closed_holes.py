"""The holes of the service that this one replaces, each closed and kept closed."""

import re
import subprocess

import pytest
from django.conf import settings

from accounts.models import Member
from orders.models import Order
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["get", "patch", "put", "delete"])
def test_a_member_cannot_touch_the_order_of_another(member_client, other, method):
    theirs = OrderFactory(customer=other)

    answer = getattr(member_client, method)(f"/orders/{theirs.pk}", {"product_name": "Stolen"})

    assert answer.status_code in (404, 405)
    assert Order.objects.get(pk=theirs.pk).product_name == theirs.product_name


@pytest.mark.parametrize("method", ["get", "patch", "put", "delete"])
def test_a_member_cannot_touch_another_member(member_client, other, method):
    answer = getattr(member_client, method)(f"/accounts/users/{other.pk}", {"name": "Mallory"})

    assert answer.status_code in (404, 405)
    assert Member.objects.get(pk=other.pk).name == other.name


def test_a_patch_never_stores_a_password(member, member_client):
    before = Member.objects.get(pk=member.pk).password

    member_client.patch(f"/accounts/users/{member.pk}", {"password": "Plain-text-1"})

    assert Member.objects.get(pk=member.pk).password == before


def test_the_customer_cannot_be_forged(member_client, other):
    assert member_client.post("/orders/", {"customer": other.pk, "product_name": "Mug"}).status_code == 403

    mine = member_client.post("/orders/", {"product_name": "Mug"}).json()
    member_client.patch(f"/orders/{mine['id']}", {"customer": other.pk})
    assert not Order.objects.filter(customer=other).exists()


def test_a_duplicate_is_no_debug_page(member, member_client, anonymous):
    number = OrderFactory(customer=member).order_number

    for answer in (
        member_client.post("/orders/", {"product_name": "Mug", "order_number": number}),
        anonymous.post(
            "/accounts/users",
            {
                "email": member.email,
                "password": "Correct-horse-7",
                "name": "Twin",
                "nickname": "twin",
                "phone": "01012345678",
            },
        ),
    ):
        assert answer.status_code in (400, 409)
        assert answer.headers["Content-Type"] == "application/json"


def test_the_email_filter_is_heeded(staff_client, member, other):
    found = staff_client.get("/accounts/users", {"email": other.email}).json()

    assert [shown["id"] for shown in found["results"]] == [other.pk]


def test_no_secret_and_no_unsafe_setting_is_in_the_repository():
    """Read from the files that git tracks, as whoever clones them would."""
    assert settings.DEBUG is False
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    ).stdout
    assert not [name for name in listed.split("\0") if name.endswith(".env")]

    source = (settings.BASE_DIR / "drf_oms" / "settings.py").read_text()
    assert 'env.bool("DEBUG", default=False)' in source
    assert 'env.list("ALLOWED_HOSTS", default=[])' in source
    assert 'env.str("DATABASE_URL")' in source  # no default: nothing to leak
    assert not re.search(r"root:|PASSWORD\s*=", source)


def test_registration_and_login_are_throttled():
    from drf_oms import settings as production

    rates = production.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert set(rates) == {"register", "login", "password_reset", "email_verification"}
