"""Who may do what: every route, for everybody who could ask."""

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Session
from orders.placing import Line
from tests.factories import MemberFactory, OrderFactory
from tests.routes import routes

pytestmark = pytest.mark.django_db

ASKING = ("anonymous", "owner", "other member", "staff without permission", "staff with permission")
EVERYBODY = (200, 200, 200, 200, 200)
MEMBERS = (401, 200, 200, 200, 200)
OWN_OR_STAFF = (401, 200, 404, 404, 200)
STAFF_ALONE = (401, 403, 404, 404, 200)
OWNER_ALONE = (401, 200, 404, 404, 404)

# By route: how each of `ASKING` is answered; 200 is any success, 400 that the body was looked at.
MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/accounts/users/"): MEMBERS,
    ("POST", "/accounts/users/"): EVERYBODY,
    ("GET", "/accounts/users/{pk}/"): OWN_OR_STAFF,
    ("PATCH", "/accounts/users/{pk}/"): OWN_OR_STAFF,
    ("DELETE", "/accounts/users/{pk}/"): OWN_OR_STAFF,
    ("POST", "/auth/login/"): EVERYBODY,
    ("POST", "/auth/logout/"): MEMBERS,
    ("POST", "/auth/logoutall/"): MEMBERS,
    ("GET", "/auth/sessions/"): MEMBERS,
    ("DELETE", "/auth/sessions/{pk}/"): OWNER_ALONE,
    ("POST", "/auth/password/"): MEMBERS,
    ("POST", "/auth/password/reset/"): EVERYBODY,
    ("POST", "/auth/password/reset/confirm/"): (400,) * 5,
    ("POST", "/auth/email/verification/"): MEMBERS,
    ("POST", "/auth/email/verification/confirm/"): (400,) * 5,
    ("GET", "/orders/"): MEMBERS,
    ("POST", "/orders/"): (401, 200, 403, 403, 200),  # for the owner
    ("GET", "/accounts/users/{pk}/orders/"): OWN_OR_STAFF,
    ("GET", "/orders/stats/"): MEMBERS,
    ("GET", "/orders/export.csv/"): MEMBERS,
    ("POST", "/orders/import/"): (401, 403, 403, 403, 400),  # the body is empty
    ("GET", "/orders/{reference}/"): OWN_OR_STAFF,
    ("PATCH", "/orders/{reference}/"): OWN_OR_STAFF,
    ("POST", "/orders/{reference}/pay/"): STAFF_ALONE,
    ("POST", "/orders/{reference}/prepare/"): (401, 403, 404, 404, 409),  # it is pending
    ("POST", "/orders/{reference}/ship/"): (401, 403, 404, 404, 409),
    ("POST", "/orders/{reference}/deliver/"): (401, 403, 404, 404, 409),
    ("POST", "/orders/{reference}/return/"): (401, 403, 404, 404, 409),
    ("POST", "/orders/{reference}/cancel/"): OWN_OR_STAFF,
    ("POST", "/orders/{reference}/refunds/"): (401, 403, 404, 404, 409),
    ("POST", "/orders/{reference}/notes/"): OWN_OR_STAFF,
    ("GET", "/orders/{reference}/events/"): OWN_OR_STAFF,
}


class World:
    """The owner of a pending order and of a session, and everybody who could ask."""

    def __init__(self, client_of: Any) -> None:
        self.owner = MemberFactory()
        self.order = OrderFactory(customer=self.owner, status="pending", lines=[Line("Mug")])
        session = Session.objects.filter(auth_token__user=self.owner).first()
        self.values = {"reference": self.order.order_number, "pk": self.owner.pk}
        self.session = {"pk": session.pk}
        self.client_of = client_of

    def client(self, who: str) -> APIClient:
        if who == "anonymous":
            return APIClient()
        if who == "owner":
            return self.client_of(self.owner)
        if who == "other member":
            return self.client_of(MemberFactory())
        group = {"group": None} if who == "staff without permission" else {}
        return self.client_of(MemberFactory(is_staff=True, **group))

    def path(self, template: str) -> str:
        values = self.session if "sessions" in template else self.values
        return template.format(**values)

    def body(self, method: str, template: str) -> dict[str, Any] | None:
        return {
            ("POST", "/accounts/users/"): {**DETAILS, "email": "new@example.com"},
            ("PATCH", "/accounts/users/{pk}/"): {"name": "Renamed"},
            ("POST", "/auth/login/"): {"email": self.owner.email, "password": DETAILS["password"]},
            ("POST", "/auth/password/"): {
                "current_password": DETAILS["password"],
                "password": "Another-horse-8",
            },
            ("POST", "/auth/password/reset/"): {"email": self.owner.email},
            ("POST", "/orders/"): {"product_name": "Mug", "customer": self.owner.pk},
            ("PATCH", "/orders/{reference}/"): {"product_name": "Bowl"},
            ("POST", "/orders/{reference}/notes/"): {"text": "hm"},
        }.get((method, template))


DETAILS = {"password": "Correct-horse-7", "name": "New", "nickname": "new", "phone": "01012345678"}


def test_every_route_has_its_row_and_every_row_its_route():
    assert set(MATRIX) == {(method, path) for path, methods in routes().items() for method in methods}


@pytest.mark.parametrize(("method", "path"), MATRIX, ids=" ".join)
@pytest.mark.parametrize("who", ASKING)
def test_everybody_is_answered_as_the_matrix_says(client_of, who, method, path):
    world = World(client_of)
    expected = MATRIX[method, path][ASKING.index(who)]

    answer = getattr(world.client(who), method.lower())(world.path(path), world.body(method, path))

    assert (200 if answer.status_code < 300 else answer.status_code) == expected


def test_a_list_shows_members_their_own_and_staff_all(client_of):
    world = World(client_of)
    seen = {
        who: [row["id"] for row in world.client(who).get("/orders/").json()["results"]]
        for who in ASKING
        if who != "anonymous"
    }

    assert seen == {
        "owner": [world.order.pk],
        "other member": [],
        "staff without permission": [],
        "staff with permission": [world.order.pk],
    }


def test_the_paths_of_the_matrix_are_those_of_the_description(anonymous):
    described = set(anonymous.get("/schema/").json()["paths"])

    assert {re.sub(r"\{\w+\}", "{}", p) for p in described} == {
        re.sub(r"\{\w+\}", "{}", p) for _, p in MATRIX
    }
