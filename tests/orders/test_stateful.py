"""Any series of changes, allowed or not, leaves an order that agrees with a model and with its events."""

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orders import services
from orders.actors import Actor
from orders.errors import OrderError
from orders.lifecycle import Action, Role
from orders.models import Order
from orders.placing import Line
from orders.replay import faults
from tests.factories import MemberFactory, OrderFactory
from tests.orders.test_lifecycle import ALLOWED, OWNER_MAY

quantities = st.none() | st.dictionaries(st.integers(1, 3), st.integers(1, 4), min_size=1, max_size=2)
roles = st.sampled_from([Role.STAFF, Role.STAFF, Role.OWNER, Role.EXPIRY])
cents = st.integers(1, 4000).map(lambda n: Decimal(n) / 100)


class Life(RuleBasedStateMachine):
    """One order, and beside it what it should be, in plain variables."""

    @initialize(
        lines=st.lists(st.tuples(st.integers(1, 4), cents), min_size=1, max_size=3),
        status=st.sampled_from(["pending", "paid"]),
    )
    def place(self, lines, status):
        content = [Line(f"thing {n}", quantity, price) for n, (quantity, price) in enumerate(lines)]
        self.order = OrderFactory(customer=self.customer, lines=content, status=status, currency="USD")
        self.status, self.paid = status, status == "paid"
        self.left = {position: quantity for position, (quantity, _) in enumerate(lines, 1)}
        self.prices = {position: price for position, (_, price) in enumerate(lines, 1)}
        self.total = sum((quantity * price for quantity, price in lines), Decimal(0))
        self.refunded, self.version = Decimal(0), 1

    @rule(action=st.sampled_from(Action), role=roles, some=quantities)
    def move(self, action, role, some):
        target = ALLOWED[self.status].get(action)
        takes = action in (Action.CANCEL, Action.RETURN)
        taken = (some or {p: q for p, q in self.left.items() if q}) if takes else {}
        may = role == Role.STAFF or (self.status, action) in OWNER_MAY
        if role == Role.EXPIRY:
            may = (self.status, action) == ("pending", "cancel")
        possible = bool(target) and may and all(q <= self.left.get(p, 0) for p, q in taken.items())
        done = self.succeeds(
            services.move_order, action=action, actor=Actor(role), quantities=some if takes else None
        )
        assert done == possible
        if done:
            for position, quantity in taken.items():
                self.left[position] -= quantity
                self.total -= 0 if self.paid else quantity * self.prices[position]
            if not (takes and any(self.left.values())):
                self.status = target
            self.paid = self.paid or action == Action.PAY

    @rule(amount=st.none() | cents)
    def refund(self, amount):
        rest = self.total - self.refunded
        amount_meant = rest if amount is None else amount
        possible = self.paid and 0 < amount_meant <= rest
        assert self.succeeds(services.refund_order, actor=Actor(Role.STAFF), amount=amount) == possible
        self.refunded += amount_meant if possible else 0

    @rule(name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=10))
    def rename(self, name):
        same = name == Order.objects.get(pk=self.order.pk).product_name
        possible = same or self.status in ("pending", "paid", "preparing")
        before = self.version
        assert self.succeeds(services.change_order, actor=Actor(Role.OWNER), product_name=name) == possible
        self.version = before if same else self.version

    @rule()
    def note(self):
        assert self.succeeds(services.add_note, actor=Actor(Role.STAFF), text="hm", audience="internal")

    @invariant()
    def agrees_with_the_model_and_with_its_events(self):
        stored = Order.objects.get(pk=self.order.pk)
        assert (stored.status, stored.total, stored.refunded_total) == (
            self.status,
            self.total,
            self.refunded,
        )
        assert stored.version == self.version
        assert (stored.payment_status == "unpaid") == (not self.paid)
        assert {line.position: line.open_quantity for line in stored.lines.all()} == self.left
        assert faults(stored) == []

    def succeeds(self, service, **arguments):
        try:
            service(order=self.order, **arguments)
        except OrderError:
            return False
        self.version += 1
        return True


@pytest.mark.django_db
def test_no_series_of_changes_corrupts_an_order():
    customer = MemberFactory()
    machine = type("Life", (Life,), {"customer": customer})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )
