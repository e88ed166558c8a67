"""Staff at work: somebody is looked for, an order is sent on its way, a wrong way is refused."""

import re

import pytest
from playwright.sync_api import expect

from tests.replication.cluster import wait_until

pytestmark = pytest.mark.cluster


def order_page(page, order: str) -> None:
    page.goto(f"/admin/orders/order/{order}/change/")


def do(page, task: str, **fields: str) -> None:
    """Open the form of the task, fill it in and send it."""
    details = page.locator("details").filter(has=page.locator("summary", has_text=task))
    details.locator("summary").click()
    for label, value in fields.items():
        details.get_by_label(re.compile(label, re.IGNORECASE)).fill(value)
    details.get_by_role("button", name=task).click()


def test_a_member_is_found_and_their_history_is_paged(tab, shop, picture):
    page = tab()
    page.goto("/admin/accounts/member/")
    page.locator("input[name=q]").fill(shop.email[:12])
    page.locator("input[name=q]").press("Enter")
    page.get_by_role("link", name=shop.email).click()

    expect(page.locator("dd", has_text=shop.email)).to_be_visible()
    picture(page, "member", full_page=True)
    rows = page.locator("table").last.locator("tbody tr")
    first = rows.first.inner_text()
    assert rows.count() == 20
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(shop.orders - 40)
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newer").click()
    page.get_by_role("link", name="Newer").click()
    assert rows.first.inner_text() == first

    page.get_by_role("link", name="canceled", exact=True).click()
    expect(page.get_by_role("link", name="canceled", exact=True)).to_have_attribute("aria-current", "true")
    assert set(page.locator("table").last.locator("td:nth-child(2)").all_inner_texts()) == {"canceled"}


def test_the_list_is_searched_and_narrowed(tab, shop, picture):
    order = shop.place(product_name="Rarissimum", lines=[{"name": "Rarissimum", "unit_price": "777"}])
    page = tab()
    page.goto("/admin/orders/order/")
    picture(page, "orders")
    for text in (order, "Rarissimum", shop.email):
        page.goto(f"/admin/orders/order/?q={text}")
        assert order in page.locator("#result_list").inner_text()

    page.goto(f"/admin/orders/order/?q={shop.email}&status=shipped&total_min=20000&placed_after=2020-01-01")
    assert order not in page.locator("#result_list").inner_text()
    assert set(page.locator("#result_list .oms-shipped").all_inner_texts()) == {"shipped"}
    page.goto("/admin/orders/order/?total_min=abc")
    assert "amount, at least: Enter a number." in page.locator("body").inner_text()
    page.goto("/admin/orders/order/?cursor=nonsense")
    assert "This is no cursor" in page.locator("body").inner_text()


def test_an_order_is_shipped_and_the_next_page_shows_it_while_replicas_are_late(tab, shop, cluster, picture):
    order = shop.place()
    cluster.wait_for_replicas()
    page = tab()
    with cluster.delayed(3):
        order_page(page, order)
        do(page, "Ship", carrier="CJ대한통운", tracking="6812-1234")
        expect(page.locator(".oms-head .oms-shipped")).to_have_text("shipped")
        assert "CJ대한통운" in page.locator(".oms-timeline").inner_text()
        page.goto(f"/admin/orders/order/?q={order}")
        expect(page.locator("#result_list .oms-shipped")).to_have_text("shipped")

    last = shop.events(order)[-1]
    assert (last["type"], last["role"], last["data"]["carrier"]) == ("ship", "staff", "CJ대한통운")
    assert last["actor"] is not None
    order_page(page, order)
    do(page, "Refund", amount="1000", reason="A scratch")
    do(page, "Write a note", note="Called back on Monday.")
    expect(page.locator(".oms-timeline")).to_contain_text("Called back on Monday.")
    expect(page.locator(".oms-head .oms-partially_refunded")).to_be_visible()
    picture(page, "order", full_page=True)


def test_a_way_that_is_closed_by_now_is_refused_in_a_sentence(tab, shop, picture):
    order = shop.place()
    page = tab()
    order_page(page, order)
    assert shop.move(order, "ship").ok  # somebody else was quicker
    do(page, "Cancel order", reason="No longer wanted")

    sentence = "This order is shipped: cancel is not possible now. Possible: deliver, return."
    expect(page.get_by_role("alert")).to_have_text(sentence)
    assert page.locator("summary", has_text="Cancel order").count() == 0
    assert [event["type"] for event in shop.events(order)] == ["place", "ship"]
    picture(page, "refused")


def test_a_double_click_does_it_once(tab, shop):
    order = shop.place()
    page = tab()
    order_page(page, order)
    page.locator("summary", has_text="Write a note").click()
    details = page.locator("details[open]")
    details.locator("textarea").fill("Once")
    details.get_by_role("button", name="Write a note").dblclick()
    expect(page.locator(".oms-timeline")).to_contain_text("Once")

    wait_until(lambda: len(shop.events(order)) > 1, what="the note is there")
    assert [event["type"] for event in shop.events(order)] == ["place", "note"]


def test_a_reason_is_asked_where_one_is_needed(tab, shop):
    order = shop.place()
    page = tab()
    order_page(page, order)
    page.locator("summary", has_text="Cancel order").click()
    reason = page.locator("details[open]").get_by_label(re.compile("Reason"))
    page.locator("details[open]").get_by_role("button").click()

    assert reason.evaluate("field => field.validity.valueMissing")
    assert len(shop.events(order)) == 1


def test_several_are_prepared_at_once(tab, shop):
    orders = [shop.place(), shop.place()]
    page = tab()
    page.goto(f"/admin/orders/order/?q={shop.email}")
    for order in orders:
        page.locator("tr", has_text=order).locator("input.action-select").check()
    page.locator("select[name=action]").select_option("prepare_selected")
    page.locator("button[name=index]").click()

    expect(page.locator("body")).to_contain_text("2 orders were changed.")
    assert [shop.events(order)[-1]["type"] for order in orders] == ["prepare", "prepare"]


def test_it_can_be_done_by_keyboard_alone(tab, shop):
    order = shop.place()
    page = tab()
    order_page(page, order)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    page.locator("details[open] form").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('details[open]') !== null")
