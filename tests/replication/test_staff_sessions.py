"""Staff in a browser's session, on real replicas that are late: the rules that tokens have."""

import re

import pytest
import requests

from tests.replication.cluster import Client, Service, databases, wait_until

pytestmark = pytest.mark.cluster


class Browser(requests.Session):
    """Keeps cookies and sends forms, as a browser does."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service
        self.headers["Accept"] = "text/html"

    def open(self, path: str) -> requests.Response:
        return self.get(self.service.url + path, timeout=30)

    def fill_in(self, path: str, form_at: str, **fields: str) -> requests.Response:
        """Fill in the form at one path, and send it to another; redirects are not followed."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.open(form_at).text)
        assert token
        sent = {"csrfmiddlewaretoken": token[1], **fields}
        return self.post(self.service.url + path, data=sent, timeout=30, allow_redirects=False)

    def log_in(self, staff: tuple[str, str]) -> "Browser":
        page = "/admin/login/?next=/admin/"
        answer = self.fill_in(page, page, username=staff[0], password=staff[1])
        assert answer.status_code == 302, answer.text
        return self


@pytest.fixture
def browser(service, staff) -> Browser:
    return Browser(service).log_in(staff)


@pytest.fixture
def order(registered) -> str:
    return str(registered.call("POST", "/orders/", product_name="Mug").json()["order_number"])


def in_list(browser: Browser, order: str) -> str:
    """The order's status in the list."""
    page = browser.open(f"/admin/orders/order/?q={order}")
    assert page.status_code == 200
    return re.search(r'oms-chip oms-(\w+)">', page.text)[1]


def test_pages_are_read_from_a_replica_once_it_has_what_the_staff_member_wrote(browser, cluster):
    cluster.wait_for_replicas()

    def read_from_a_replica() -> bool:
        return databases(browser.open("/admin/"))[0].startswith("replica")

    wait_until(read_from_a_replica, what="a page comes from a replica")
    assert all(name.startswith("replica") for name in databases(browser.open("/ops/replication")))


def test_whoever_logs_in_is_in_and_whoever_logs_out_is_out_while_replicas_are_late(service, staff, cluster):
    with cluster.delayed(3):
        for _ in range(2):  # whichever worker answers
            browser = Browser(service).log_in(staff)
            for _ in range(6):
                assert "/admin/login/" not in browser.open("/admin/orders/order/").url
            stolen = Browser(service)
            stolen.cookies.update(browser.cookies)
            assert browser.fill_in("/admin/logout/", "/admin/password_change/").status_code in (200, 302)
            for _ in range(6):
                assert "/admin/login/" in stolen.open("/admin/orders/order/").url


def test_a_change_is_seen_on_the_next_page_while_replicas_are_late(browser, order, cluster, registered):
    """By whoever made it, and by the member whom it concerns."""
    cluster.wait_for_replicas()
    page = f"/admin/orders/order/{order}/change/"
    with cluster.delayed(3):
        for action, status in (("prepare", "preparing"), ("ship", "shipped"), ("deliver", "delivered")):
            version = re.search(r'name="version" value="(\d+)"', browser.open(page).text)[1]
            assert (
                browser.fill_in(f"{page.replace('change', action)}do/", page, version=version).status_code
                == 302
            )
            for _ in range(4):
                assert in_list(browser, order) == status
                assert registered.call("GET", f"/orders/{order}").json()["status"] == status


def test_pages_are_shown_while_the_primary_is_down(service, browser, order, cluster):
    cluster.wait_for_replicas()
    assert browser.open("/ops/replication").status_code == 200  # each worker may have to learn whose it is
    with cluster.down("primary", how="stop"):
        told = browser.open("/ops/replication")
        assert told.status_code == 200
        assert "does not answer" in told.text
        assert in_list(browser, order) == "paid"
        page = f"/admin/orders/order/{order}/change/"
        refused = browser.fill_in(f"{page.replace('change', 'ship')}do/", page, version="1")
        assert refused.status_code == 503
        assert "<h1>503</h1>" in refused.text
    wait_until(service.has_all_in_service, what="all nodes are in service, for each worker")


def test_it_works_without_unfold(cluster, staff, order, tmp_path):
    """Django's own templates, under the strict policy."""
    with Service(tmp_path, DJANGO_SETTINGS_MODULE="tests.plain_settings") as plain:
        browser = Browser(plain).log_in(staff)
        page = f"/admin/orders/order/{order}/change/"
        for path in ("/admin/", "/admin/accounts/member/", page, "/ops/replication"):
            answer = browser.open(path)
            assert answer.status_code == 200
            assert "unfold" not in answer.text
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert browser.fill_in(f"{page.replace('change', 'ship')}do/", page, version="1").status_code == 302
        assert in_list(browser, order) == "shipped"
        assert Client(plain).log_in(staff[0]).ok
