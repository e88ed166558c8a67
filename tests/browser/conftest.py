"""A real Chromium at the real service, on the real cluster."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.shop import Shop
from tests.replication.cluster import ROOT, Service
from tests.replication.conftest import cluster, staff  # noqa: F401 - fixtures

SCREENSHOTS = ROOT / "var" / "screenshots"
EXPECTED = "Failed to load resource: the server responded with a status of 4"  # what a refusal logs
MISSING = "status of 404"  # such as an icon that nobody names

Tab = Callable[..., Any]


@pytest.fixture(scope="package")
def service(cluster, staff, tmp_path_factory) -> Iterator[Service]:  # noqa: F811 - the fixtures above
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "drf_oms.settings"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    with Service(tmp_path_factory.mktemp("pages")) as service:
        yield service


@pytest.fixture(scope="package")
def shop(service, staff) -> Shop:  # noqa: F811
    return Shop(service, staff)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Playwright runs an event loop in this thread, where Django then refuses connections: not for longer."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        assert "CI" not in os.environ, "there is no chromium; see scripts/test.sh"
        pytest.skip("Debian's package chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def login(browser, service, staff) -> Any:  # noqa: F811
    """The cookies of a staff member who has logged in by the form: a password costs a second."""
    with context_of(browser, service) as context:
        page = context.new_page()
        page.goto("/admin/")
        page.get_by_label("Email").fill(staff[0])
        page.get_by_label("Password").fill(staff[1])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{service.url}/admin/")
        return context.storage_state()


@pytest.fixture
def tab(browser, service, login) -> Iterator[Tab]:
    """Opens tabs of the staff member; at the end, no page has complained or asked another host."""
    opened: list[tuple[Page, list[str], set[str]]] = []
    with ContextStack(browser, service) as contexts:

        def open_tab(**options: Any) -> Page:
            page = contexts.new(storage_state=login, **options).new_page()
            opened.append(watched(page))
            return page

        yield open_tab
    for _, complaints, hosts in opened:
        assert complaints == []
        assert hosts <= {service.url}


class ContextStack:
    """Browser contexts that are closed together."""

    def __init__(self, browser: Browser, service: Service) -> None:
        self.browser, self.service = browser, service
        self.contexts: list[BrowserContext] = []

    def __enter__(self) -> "ContextStack":
        return self

    def __exit__(self, *exception: object) -> None:
        for context in self.contexts:
            context.close()

    def new(self, **options: Any) -> BrowserContext:
        options = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options}
        context = self.browser.new_context(base_url=self.service.url, **options)
        context.set_default_timeout(20_000)
        self.contexts.append(context)
        return context


@contextmanager
def context_of(browser: Browser, service: Service) -> Iterator[BrowserContext]:
    with ContextStack(browser, service) as contexts:
        yield contexts.new()


def watched(page: Page) -> tuple[Page, list[str], set[str]]:
    """The page, what it will complain about, and the origins that it will ask."""
    complaints: list[str] = []
    hosts: set[str] = set()

    def on_console(message: Any) -> None:
        if message.type == "error" and (MISSING in message.text or not message.text.startswith(EXPECTED)):
            complaints.append(message.text)

    def on_request(request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")):
            hosts.add("/".join(request.url.split("/")[:3]))

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", on_request)
    return page, complaints, hosts


@pytest.fixture(scope="package")
def picture() -> Callable[..., None]:
    """Keeps a screenshot in var/screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name, **options: page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


def unique() -> str:
    return uuid.uuid4().hex[:8]


def ready(service: Service) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{service.url}/readyz", timeout=10).json()
    return answer
