"""Every page: readable for everybody, in three languages, on a phone and in the dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PAGES = {
    "home": "/admin/",
    "orders": "/admin/orders/order/",
    "order": None,  # of the shop
    "members": "/admin/accounts/member/",
    "member": None,
    "replication": "/ops/replication",
}
PHONE = {"width": 390, "height": 844}


def path_of(name: str, shop) -> str:
    if name == "member":
        return f"/admin/accounts/member/{shop.member.member}/change/"
    return PAGES[name] or f"/admin/orders/order/{shop.newest()}/change/"


def serious(page) -> list[str]:
    """What axe-core calls serious or critical, with what it is about."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(tab, shop, picture, name, scheme):
    page = tab(color_scheme=scheme)
    page.goto(path_of(name, shop))
    if scheme == "dark":
        picture(page, f"{name}-dark")

    assert serious(page) == []


def test_axe_finds_nothing_serious_on_the_login(browser, service, picture):
    context = browser.new_context(base_url=service.url, locale="en-US")
    page = context.new_page()
    page.goto("/admin/")
    picture(page, "login")

    assert serious(page) == []
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_it_without_scrolling_sideways(tab, shop, picture, name):
    page = tab(viewport=PHONE, device_scale_factor=2, is_mobile=True)
    page.goto(path_of(name, shop))
    picture(page, f"{name}-phone")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(
    ("locale", "words"), [("ko-KR", "오늘 주문"), ("ja-JP", "本日の注文"), ("en-US", "Orders today")]
)
def test_the_first_page_is_in_the_language_of_the_browser(tab, shop, picture, locale, words):
    page = tab(locale=locale)
    page.goto("/admin/")
    picture(page, f"home-{locale[:2]}", full_page=True)

    assert words in page.locator("body").inner_text()
