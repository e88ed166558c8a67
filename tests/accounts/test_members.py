"""GET /accounts/users, GET and PATCH /accounts/users/{id}"""

import pytest

from accounts.groups import ADMINISTRATOR
from accounts.models import Member
from tests.factories import PASSWORD, MemberFactory, OrderFactory, join

pytestmark = pytest.mark.django_db

PATH = "/accounts/users"


def ids(answer):
    return [member["id"] for member in answer.json()["results"]]


def test_staff_see_all_members_in_the_envelope(staff, staff_client, member, other):
    answer = staff_client.get(PATH)

    assert answer.status_code == 200
    assert set(answer.json()) == {"count", "next", "previous", "results"}
    assert answer.json()["count"] == 3
    assert ids(answer) == sorted([staff.pk, member.pk, other.pk])


def test_a_member_sees_only_themselves(member, member_client, other):
    answer = member_client.get(PATH)

    assert ids(answer) == [member.pk]
    assert answer.json()["count"] == 1


def test_last_order_is_the_newest(member, member_client):
    OrderFactory(customer=member, product_name="First")
    newest = OrderFactory(customer=member, product_name="Second")

    (shown,) = member_client.get(PATH).json()["results"]

    assert shown["last_order"]["order_number"] == newest.order_number
    assert shown["last_order"] == member_client.get("/orders/").json()["results"][0]
    assert member_client.get(f"{PATH}/{member.pk}").json() == shown


def test_a_page_is_30_unless_limit_says_otherwise_and_200_at_most(staff_client, staff):
    MemberFactory.create_batch(34)

    assert len(ids(staff_client.get(PATH))) == 30
    assert len(ids(staff_client.get(PATH, {"limit": 5}))) == 5
    assert "limit=200" in staff_client.get(PATH, {"limit": 100000, "offset": 1}).json()["previous"]
    assert len(ids(staff_client.get(staff_client.get(PATH).json()["next"]))) == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "offset=-1", "offset=1.5", "offset=٣"])
def test_a_page_that_is_none_is_an_error_that_names_the_parameter(member_client, query):
    answer = member_client.get(f"{PATH}?{query}")

    assert answer.status_code == 400
    assert list(answer.json()) == [query.split("=")[0]]


def test_search_looks_at_email_and_name(staff_client, staff):
    kim = MemberFactory(name="김하늘", email="sky@example.com")
    ada = MemberFactory(name="Ada Lovelace", email="ada@example.org")

    assert ids(staff_client.get(PATH, {"search": "하늘"})) == [kim.pk]
    assert ids(staff_client.get(PATH, {"search": "example.org"})) == [ada.pk]
    assert ids(staff_client.get(PATH, {"search": "nobody at all"})) == []


def test_filters_narrow_by_email_and_name(staff_client):
    ada = MemberFactory(name="Ada Lovelace", email="ada@example.org")

    assert ids(staff_client.get(PATH, {"email": "ADA@example.org"})) == [ada.pk]
    assert ids(staff_client.get(PATH, {"name": "Ada Lovelace"})) == [ada.pk]
    assert ids(staff_client.get(PATH, {"email": "ada"})) == []


def test_ordering(staff_client, staff):
    last, first = MemberFactory(email="zz@example.com"), MemberFactory(email="aa@example.com")

    assert ids(staff_client.get(PATH, {"ordering": "email"}))[0] == first.pk
    assert ids(staff_client.get(PATH, {"ordering": "-email"}))[0] == last.pk


@pytest.mark.parametrize(("members", "orders_each", "queries"), [(3, 1, 6), (30, 4, 7)])
def test_the_list_runs_seven_queries_however_many_members_and_orders(
    staff_client, django_assert_num_queries, members, orders_each, queries
):
    for member in MemberFactory.create_batch(members):
        OrderFactory.create_batch(orders_each, customer=member)

    # The token, two about permissions, the page, of a full one the count, the last orders, the sums.
    with django_assert_num_queries(queries):
        shown = staff_client.get(PATH).json()["results"]

    assert sum(member["last_order"] is not None for member in shown) >= min(members, 29)


def test_another_member_is_not_to_be_found(member_client, other):
    unknown = other.pk + 1000

    assert member_client.get(f"{PATH}/{other.pk}").status_code == 404
    assert member_client.patch(f"{PATH}/{other.pk}", {"name": "Mallory"}).status_code == 404
    assert member_client.get(f"{PATH}/{unknown}").json() == member_client.get(f"{PATH}/{other.pk}").json()


def test_staff_read_and_change_any_member(staff_client, member):
    answer = staff_client.patch(f"{PATH}/{member.pk}/", {"name": "새 이름", "phone": "(02) 123-4567"})

    assert answer.status_code == 200
    assert answer.json()["name"] == "새 이름"
    assert staff_client.get(f"{PATH}/{member.pk}").json()["phone"] == "021234567"


def test_staff_without_the_permission_see_only_themselves(powerless_staff, client_of, member):
    client = client_of(powerless_staff)

    assert ids(client.get(PATH)) == [powerless_staff.pk]
    assert client.get(f"{PATH}/{member.pk}").status_code == 404
    assert client.patch(f"{PATH}/{member.pk}", {"name": "Mallory"}).status_code == 404
    assert client.patch(f"{PATH}/{powerless_staff.pk}", {"name": "Somebody Else"}).status_code == 200


def test_staff_who_may_only_view_see_others_and_change_nobody_else(client_of, member):
    viewer = MemberFactory(is_staff=True, group="viewer")
    client = client_of(viewer)

    assert ids(client.get(PATH)) == sorted([viewer.pk, member.pk])
    answer = client.patch(f"{PATH}/{member.pk}", {"name": "Mallory"})
    assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    assert Member.objects.get(pk=member.pk).name == member.name
    assert client.patch(f"{PATH}/{viewer.pk}", {"name": "Somebody Else"}).status_code == 200


def test_a_permission_alone_makes_nobody_staff(client_of, member, other):
    join(member, ADMINISTRATOR)

    assert ids(client_of(member).get(PATH)) == [member.pk]


def test_a_member_changes_their_details(member, member_client):
    answer = member_client.patch(f"{PATH}/{member.pk}", {"nickname": "new_nick", "gender": "F"})

    assert answer.status_code == 200
    assert (answer.json()["nickname"], answer.json()["gender"]) == ("new_nick", "F")


@pytest.mark.parametrize("change", [{"name": "R2D2"}, {"nickname": "UPPER"}, {"phone": "12"}])
def test_a_change_is_checked_like_a_registration(member, member_client, change):
    answer = member_client.patch(f"{PATH}/{member.pk}", change)

    assert answer.status_code == 400
    assert list(answer.json()) == list(change)


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"password": "New-password-1"}, {"id": 7}])
def test_what_cannot_be_changed_here_is_refused_by_name(member, member_client, change):
    answer = member_client.patch(f"{PATH}/{member.pk}", {"name": "Somebody", **change})

    assert answer.status_code == 400
    assert answer.json() == {field: ["This cannot be changed here."] for field in change}
    member.refresh_from_db()
    assert member.check_password(PASSWORD)
    assert member.name != "Somebody"


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser", "is_active"])
def test_flags_cannot_be_changed_here(member, member_client, flag):
    assert member_client.patch(f"{PATH}/{member.pk}", {flag: True}).status_code == 400
    assert not Member.objects.get(pk=member.pk).is_staff


def test_a_client_may_send_back_what_it_read(member, member_client):
    shown = member_client.get(f"{PATH}/{member.pk}").json()

    assert member_client.patch(f"{PATH}/{member.pk}", shown).json() == shown


@pytest.mark.parametrize("method", ["put", "post"])
def test_other_methods_are_405(member, member_client, method):
    assert getattr(member_client, method)(f"{PATH}/{member.pk}", {}).status_code == 405
    assert Member.objects.filter(pk=member.pk).exists()


def test_an_id_beyond_any_integer_is_a_404(member_client):
    assert member_client.get(f"{PATH}/{'9' * 40}").status_code == 404
