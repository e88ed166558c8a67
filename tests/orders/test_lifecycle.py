"""orders/lifecycle.py"""

import re

import pytest
from django.conf import settings

from orders import lifecycle
from orders.lifecycle import TABLE, Action, Role, Status

ALLOWED = {
    "pending": {"pay": "paid", "cancel": "canceled"},
    "paid": {"prepare": "preparing", "ship": "shipped", "cancel": "canceled"},
    "preparing": {"ship": "shipped", "cancel": "canceled"},
    "shipped": {"deliver": "delivered", "return": "returned"},
    "delivered": {"return": "returned"},
    "canceled": {},
    "returned": {},
}
OWNER_MAY = {("pending", "cancel"), ("paid", "cancel")}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_each_pair_of_status_and_action_leads_where_the_table_says_for_each_role(status, action):
    target = ALLOWED[status].get(action)

    assert lifecycle.target_of(status, action, Role.STAFF) == target
    assert lifecycle.target_of(status, action, Role.OWNER) == (
        target if (status, action) in OWNER_MAY else None
    )
    assert lifecycle.target_of(status, action, Role.EXPIRY) == (
        target if (status, action) == ("pending", "cancel") else None
    )
    assert lifecycle.target_of(status, action, Role.SYSTEM) is None


def test_what_is_allowed_now_agrees_with_where_it_leads():
    for status in Status:
        for role in Role:
            allowed = lifecycle.allowed(status, role)
            assert allowed == [a for a in Action if a in allowed]  # a fixed order, each once
            assert set(allowed) == {a for a in Action if lifecycle.target_of(status, a, role)}


def test_no_way_leads_back():
    """Every walk ends: sorted by how far they can still go, moves only go down."""
    reach: dict[Status, set[Status]] = {status: set() for status in Status}
    for _ in Status:
        for move in TABLE:
            reach[move.source] |= {move.target} | reach[move.target]
    assert not [status for status in Status if status in reach[status]]


def test_every_status_says_what_may_be_changed():
    assert set(lifecycle.CHANGEABLE) == set(Status)


def test_the_diagram_of_the_docs_is_the_table():
    docs = (settings.BASE_DIR / "docs" / "orders.md").read_text()

    [drawn] = re.findall(r"```mermaid\n(stateDiagram.*?)\n```", docs, re.DOTALL)
    assert drawn == lifecycle.diagram(), "paste what python -m orders.lifecycle prints"
