"""DELETE /accounts/users/{id}"""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from knox.models import AuthToken

from accounts import erasure, links
from accounts.errors import LoginRefused, MemberErased
from accounts.groups import ADMINISTRATOR, GROUPS
from accounts.models import Member, Session
from accounts.services import change_member, log_in
from orders.models import Order
from tests.factories import PASSWORD, MemberFactory, OrderFactory, join

pytestmark = pytest.mark.django_db

PATH = "/accounts/users"


def test_members_erase_themselves_and_their_orders_stay(member, member_client, staff_client):
    order = OrderFactory(customer=member)

    assert member_client.delete(f"{PATH}/{member.pk}").status_code == 204

    assert Order.objects.get().customer_id == member.pk
    assert staff_client.get(f"/orders/{order.pk}").status_code == 200


def test_nothing_is_left_that_tells_who_it_was():
    before = MemberFactory(
        email="haneul@example.com", name="김하늘", nickname="haneul", phone="01012345678", gender="F"
    )
    Member.objects.filter(pk=before.pk).update(
        is_staff=True, is_superuser=True, email_verified_at=timezone.now(), last_login=timezone.now()
    )
    join(before, ADMINISTRATOR)

    erasure.erase_member(member=before)

    after = Member.objects.get(pk=before.pk)
    assert after.email.endswith("@erased.invalid")
    assert (after.name, after.nickname, after.phone, after.gender) == ("Erased", "erased", "0000000", None)
    assert not any([after.is_active, after.is_staff, after.is_superuser, after.has_usable_password()])
    assert (after.email_verified_at, after.last_login) == (None, None)
    assert not after.groups.exists()
    assert after.erased_at is not None
    after.full_clean(exclude=["password"])  # the placeholders are what a member may be called


def test_all_tokens_sessions_and_links_are_dead(anonymous, member, client_of):
    phone, laptop = client_of(member), client_of(member)
    link = {"uid": links.uid_of(member), "token": default_token_generator.make_token(member)}
    verification = {"uid": links.uid_of(member), "token": links.email_token(member)}

    phone.delete(f"{PATH}/{member.pk}")

    assert [phone.get("/orders/").status_code, laptop.get("/orders/").status_code] == [401, 401]
    assert not AuthToken.objects.filter(user=member).exists()
    assert not Session.objects.filter(auth_token__user=member).exists()
    confirm = {**link, "password": "Another-horse-8"}
    assert anonymous.post("/auth/password/reset/confirm", confirm).status_code == 400
    assert anonymous.post("/auth/email/verification/confirm", verification).status_code == 400
    login = {"email": member.email, "password": PASSWORD}
    assert anonymous.post("/auth/login", login).status_code == 400


def test_the_email_is_free_again(member, member_client):
    member_client.delete(f"{PATH}/{member.pk}")

    assert MemberFactory(email=member.email).pk != member.pk


def test_many_can_be_erased_whatever_emails_others_have_taken(member, other):
    MemberFactory(email=f"erased-{member.pk}@erased.invalid")

    erasure.erase_member(member=member)
    erasure.erase_member(member=other)

    assert Member.objects.exclude(erased_at=None).count() == 2


def test_staff_erase_another_and_may_repeat_it(staff_client, member):
    assert staff_client.delete(f"{PATH}/{member.pk}").status_code == 204
    first = Member.objects.get(pk=member.pk)

    assert staff_client.delete(f"{PATH}/{member.pk}/").status_code == 204
    again = Member.objects.get(pk=member.pk)
    assert (again.erased_at, again.email) == (first.erased_at, first.email)


def test_a_member_cannot_repeat_it(member, member_client):
    member_client.delete(f"{PATH}/{member.pk}")

    assert member_client.delete(f"{PATH}/{member.pk}").status_code == 401


def test_staff_see_who_was_erased(staff_client, member, member_client):
    assert staff_client.get(f"{PATH}/{member.pk}").json()["erased_at"] is None
    member_client.delete(f"{PATH}/{member.pk}")

    listed = {shown["id"]: shown for shown in staff_client.get(PATH).json()["results"]}
    assert listed[member.pk]["erased_at"] is not None
    assert listed[member.pk]["name"] == "Erased"


def test_nobody_else_finds_the_erased(member, member_client, other, powerless_staff, client_of):
    erasure.erase_member(member=other)

    for client in (member_client, client_of(powerless_staff)):
        assert client.get(f"{PATH}/{other.pk}").status_code == 404
        assert other.pk not in [shown["id"] for shown in client.get(PATH).json()["results"]]


@pytest.mark.parametrize("group", [None, *sorted(GROUPS.keys() - {ADMINISTRATOR})])
def test_staff_need_the_permission(client_of, member, group):
    answer = client_of(MemberFactory(is_staff=True, group=group)).delete(f"{PATH}/{member.pk}")

    sees_members = group not in (None, "operations")
    assert answer.status_code == (403 if sees_members else 404)
    assert Member.objects.get(pk=member.pk).erased_at is None


def test_a_member_cannot_erase_another(member_client, other):
    assert member_client.delete(f"{PATH}/{other.pk}").status_code == 404
    assert Member.objects.get(pk=other.pk).erased_at is None


def test_orders_forget_the_customer_in_the_same_transaction(member, monkeypatch):
    def fail(*, customer):
        raise RuntimeError(customer.email)

    monkeypatch.setattr(erasure, "forget_customer", fail)

    with pytest.raises(RuntimeError, match=member.email):
        erasure.erase_member(member=member)
    assert Member.objects.get(pk=member.pk).erased_at is None
    assert AuthToken.objects.filter(user=member).exists()


def test_nobody_changes_an_erased_member(staff_client, member):
    erasure.erase_member(member=member)

    answer = staff_client.patch(f"{PATH}/{member.pk}", {"name": "Somebody"})

    assert (answer.status_code, list(answer.json())) == (409, ["erased_at"])
    assert Member.objects.get(pk=member.pk).name == "Erased"


def test_what_began_before_brings_nothing_back(member):
    """A change, and a login, that had read the member before they were erased."""
    erasure.erase_member(member=Member.objects.get(pk=member.pk))

    with pytest.raises(MemberErased):
        change_member(member=member, name="김하늘")
    with pytest.raises(LoginRefused):
        log_in(member)
    assert Member.objects.get(pk=member.pk).name == "Erased"
    assert not AuthToken.objects.filter(user=member).exists()


def test_a_token_is_needed(anonymous, member):
    assert anonymous.delete(f"{PATH}/{member.pk}").status_code == 401
