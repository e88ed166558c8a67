"""Who may open which page of /admin and /ops, and what those pages ask for that the API does not."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from accounts.services import log_in
from orders.placing import Line
from tests.factories import PASSWORD, MemberFactory, OrderFactory
from tests.routes import pages

pytestmark = pytest.mark.django_db

OPEN = {"/admin", "/admin/login/"}  # for everybody: the form to log in, and the way to it
# For all staff: what is about themselves alone. The others need a permission.
FOR_ALL_STAFF = {
    "/admin/",
    "/admin/jsi18n/",
    "/admin/logout/",  # by POST
    "/admin/password_change/",
    "/admin/password_change/done/",
    "/admin/search/",  # among the names of pages
}


def client_of(member=None, **options) -> Client:
    client = Client(**options)
    if member is not None:
        client.force_login(member)
    return client


def path_of(template: str, order) -> str:
    values = {
        "path:object_id": order.pk if "order" in template else order.customer_id,
        "str:object_id": order.pk,
        "str:task": "ship",
        "int:member_id": order.customer_id,
        "int:session_id": 1,
        "path:content_type_id": 1,
        "app_label": "orders",
        "url": "nothing",
        "str:alias": "replica1",
        "str:action": "drain",
    }
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", str(value))
    assert "{" not in template, "a new parameter: give it a value above"
    return template


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", sorted(pages() - OPEN))
def test_no_page_opens_for_others_than_staff_with_a_permission(path, method):
    order = OrderFactory()
    nobody, staff = MemberFactory(is_staff=True, group=None), MemberFactory(is_staff=True, group="order desk")
    answers = {
        who: getattr(client_of(member), method)(path_of(path, order)).status_code
        for who, member in {"anonymous": None, "member": order.customer, "powerless": nobody}.items()
    }

    assert answers["anonymous"] in (302, 403, 404, 405)
    assert answers["member"] in (302, 403, 404, 405)
    if path not in FOR_ALL_STAFF:
        assert answers["powerless"] in (302, 403, 404, 405)
    order.refresh_from_db()
    assert order.version == 1
    assert staff.pk


def test_a_login_is_asked_for():
    answer = Client().get("/ops/replication")

    assert answer.headers["Location"] == "/admin/login/?next=/ops/replication"


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/admin/orders/order/1/ship/do/", "/ops/replication/replica1/drain"]
)
def test_a_form_from_elsewhere_is_refused(staff, path):
    assert client_of(staff, enforce_csrf_checks=True).post(path).status_code == 403


class TestTheAPI:
    def test_asks_for_no_csrf_token_and_sets_no_cookie(self, member):
        _, key = log_in(member)
        client = APIClient(enforce_csrf_checks=True, headers={"Authorization": f"Token {key}"})

        answer = client.post("/orders/", {"product_name": "Mug"})

        assert answer.status_code == 201
        assert answer.cookies.keys() <= {"consistency"}
        assert "Content-Security-Policy" not in answer.headers

    def test_knows_no_session(self, staff):
        assert client_of(staff).get("/orders/").status_code == 401

    def test_has_no_session_middleware(self, member_client):
        request = member_client.get("/orders/").wsgi_request

        assert not hasattr(request, "session")
        assert not hasattr(request, "_messages")


class TestLoggingIn:
    def form(self, email: str, password: str):
        return Client().post("/admin/login/", {"username": email, "password": password})

    def test_is_for_staff_alone(self, staff, member):
        assert self.form(staff.email, PASSWORD).status_code == 302
        refused, wrong = self.form(member.email, PASSWORD), self.form(staff.email, "wrong")
        assert refused.status_code == wrong.status_code == 200
        assert b"Please enter the correct" in refused.content
        assert b"Please enter the correct" in wrong.content

    def test_costs_time_after_wrong_passwords_as_over_the_api(self, staff, anonymous):
        for _ in range(3):
            self.form(staff.email, "wrong")
            anonymous.post("/auth/login", {"email": staff.email, "password": "wrong"})

        assert b"Too many wrong passwords; try again in" in self.form(staff.email, PASSWORD).content

    def test_a_new_password_ends_other_sessions_and_tokens(self, staff, client_of):
        api, other, own = client_of(staff), Client(), Client()
        other.force_login(staff)
        own.force_login(staff)
        new = "Another-horse-8"
        changed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

        assert own.post("/admin/password_change/", changed).status_code == 302

        assert own.get("/admin/").status_code == 200
        assert other.get("/admin/").status_code == 302
        assert api.get("/orders/").status_code == 401

    def test_a_member_who_is_erased_or_no_staff_any_more_is_out(self, staff):
        client = client_of(staff)
        staff.is_staff = False
        staff.save()

        assert client.get("/admin/").status_code == 302


class TestGroups:
    def tasks(self, group: str, order) -> set[str]:
        client = client_of(MemberFactory(is_staff=True, group=group))
        return {task.event for task in client.get(f"/admin/orders/order/{order.pk}/change/").context["tasks"]}

    def test_see_what_they_may_do(self):
        order = OrderFactory(lines=[LINE])

        assert self.tasks("viewer", order) == set()
        assert self.tasks("refunds", order) == {"refund"}
        assert self.tasks("order desk", order) == {"prepare", "ship", "cancel", "change", "note"}

    def test_a_viewer_changes_nothing(self):
        order = OrderFactory()
        client = client_of(MemberFactory(is_staff=True, group="viewer"))

        assert client.post(f"/admin/orders/order/{order.pk}/ship/do/", {"version": 1}).status_code == 403
        assert client.get(f"/admin/orders/order/{order.pk}/delete/").status_code == 403
        assert client.get("/admin/orders/order/add/").status_code == 403

    def test_operators_see_replication_and_no_orders(self):
        client = client_of(MemberFactory(is_staff=True, group="operations"))

        assert client.get("/ops/replication").status_code == 200
        assert client.get("/admin/orders/order/").status_code == 403
        assert client.get("/admin/").context.get("today") is None


def test_what_staff_do_is_in_the_log(staff):
    order = OrderFactory()
    client_of(staff).post(f"/admin/orders/order/{order.pk}/ship/do/", {"version": 1})

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr, entry.change_message) == (staff, order.order_number, "ship")
    assert order.events.get(seq=2).actor == staff


def test_a_refused_action_is_in_no_log(staff):
    order = OrderFactory()
    answer = client_of(staff).post(f"/admin/orders/order/{order.pk}/pay/do/", {"version": 1})

    assert answer.status_code == 409
    assert b"This order is paid: pay is not possible now." in answer.content
    assert not LogEntry.objects.exists()


def test_sessions_of_a_member_are_revoked(staff, member, client_of):
    first, second = client_of(member), client_of(member)
    office = Client()
    office.force_login(staff)
    [newest, *_] = office.get(f"/admin/accounts/member/{member.pk}/change/").context["sessions"]

    office.post(f"/admin/accounts/member/{member.pk}/sessions/{newest.pk}/revoke/")
    assert (first.get("/orders/").status_code, second.get("/orders/").status_code) == (200, 401)
    office.post(f"/admin/accounts/member/{member.pk}/sessions/revoke/")
    assert first.get("/orders/").status_code == 401


def test_pages_have_a_policy_and_are_stored_nowhere(staff):
    office = client_of(staff)
    strict, admin = office.get("/ops/replication"), office.get("/admin/")

    assert "unsafe" not in strict.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in admin.headers["Content-Security-Policy"]
    assert "no-store" in strict.headers["Cache-Control"]
    assert "no-store" in admin.headers["Cache-Control"]


def test_errors_are_pages_for_people_and_json_for_programs(staff):
    office = client_of(staff)

    assert b"<h1>404</h1>" in office.get("/admin/nothing", headers={"Accept": "text/html"}).content
    assert office.get("/ops/nothing", headers={"Accept": "application/json"}).json()["detail"]
    assert Client().post("/admin/login/", {"username": "x" * 2_000_000}).status_code == 413


LINE = Line("Mug", 1, Decimal(100))


class TestImporting:
    FILE = (
        "external_reference,customer,product_name,status\n"
        "old-1,{email},Mug,delivered\n"
        "old-2,{email},Bowl,{status}\n"
    )

    def send(self, office, member, *, status="delivered", **form):
        content = self.FILE.format(email=member.email, status=status).encode()
        sent = {"file": SimpleUploadedFile("past.csv", content), "mode": "all", "progress": "abc", **form}
        return office.post("/admin/orders/order/import/", sent)

    def test_a_file_is_imported_and_written_down(self, staff, member):
        shown = self.send(client_of(staff), member)

        assert (shown.status_code, shown.context["counts"]["created"]) == (200, 2)
        assert member.orders.count() == 2
        assert LogEntry.objects.get().object_repr == "import"

    def test_a_bad_row_is_named_and_nothing_written(self, staff, member):
        shown = self.send(client_of(staff), member, status="lost")

        assert shown.status_code == 400
        assert [row.row for row in shown.context["failed"]] == [3]
        assert not member.orders.exists()

    def test_it_says_how_far_it_is_to_who_imports_alone(self, staff, member):
        office = client_of(staff)
        self.send(office, member)

        told = office.get("/admin/orders/order/import/progress/?of=abc").json()
        assert told["what"] in ("checked", "written")
        assert told["rows"] > 0
        another = client_of(MemberFactory(is_staff=True))
        assert another.get("/admin/orders/order/import/progress/?of=abc").json()["rows"] is None

    def test_others_may_not_even_send_a_large_file(self, member):
        desk = MemberFactory(is_staff=True, group="order desk")

        for office, path in ((client_of(desk), "/admin/orders/order/import/"), (Client(), "/admin/login/")):
            sent = {"file": SimpleUploadedFile("past.csv", b"x" * 1_100_000)}
            assert office.post(path, sent).status_code == 413
