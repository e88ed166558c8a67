"""The members and orders of `bench.sh speed`, the same for the same seed; made once for each cluster."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, connections
from knox.crypto import hash_token
from knox.models import AuthToken

from accounts.groups import ADMINISTRATOR, make_missing_groups
from accounts.models import Member
from orders.keyset import Ordering
from orders.models import Order
from orders.selectors import orders_of
from scripts.bench.figures import say
from scripts.bench.history_table import administrator_of, enlarge
from scripts.bench.members import await_replicas

MEMBERS, SMALL, LARGE = 2_000, 200_000, 1_000_000
CHUNK = 10_000  # rows a transaction: replicas apply them one after the other
PASSWORD = "Correct-horse-7"  # noqa: S105 - of members who exist in a benchmark only
STAFF = "speed.staff@example.com"
FAR = timedelta(days=3650)

# One a minute, going back from now: everybody's in turn. Of what is more than `small`, the first member has
# a quarter.
ORDERS = """
    INSERT INTO orders_order
           (order_number, customer_id, product_name, status, payment_status, currency, total, refunded_total,
            placed_at, paymented_at, updated_at, version, source)
      WITH RECURSIVE numbers (n) AS (SELECT %(first)s UNION ALL SELECT n + 1 FROM numbers WHERE n < %(last)s)
    SELECT CONCAT('S', LPAD(CONV(n, 10, 36), 11, '0')),
           %(member)s + IF(n >= %(small)s AND n MOD 4 = 0, 0, n MOD %(members)s),
           CONCAT('머그컵 ', n MOD 1000),
           ELT(1 + CRC32(n) MOD 4, 'paid', 'preparing', 'shipped', 'delivered'),
           'paid', 'KRW', CRC32(n) MOD 1000 * 100, 0, placed, placed, placed, 1, 'api'
      FROM (SELECT n, TIMESTAMP(%(start)s) - INTERVAL n MINUTE AS placed FROM numbers) AS moments
"""
LINES = """
    INSERT INTO orders_orderline
           (order_id, position, sku, name, quantity, quantity_canceled, quantity_returned, unit_price)
    SELECT id, 1, CONCAT('MUG-', id MOD 1000), product_name, 1, 0, 0, total FROM orders_order
     WHERE order_number BETWEEN CONCAT('S', LPAD(CONV(%(first)s, 10, 36), 11, '0'))
                            AND CONCAT('S', LPAD(CONV(%(last)s, 10, 36), 11, '0'))
"""
NEWEST = "SELECT MAX(order_number) FROM orders_order WHERE order_number LIKE 'S0%'"


@dataclass(frozen=True)
class Data:
    """Who asks: `first` is the id of the first of the members, whose ids follow each other."""

    seed: int
    first: int
    big: bool = False  # whether the first member has very many orders

    def members(self) -> range:
        return range(self.first, self.first + MEMBERS)

    def key_of(self, member: int) -> str:
        return key(self.seed, member - self.first)

    def staff_key(self) -> str:
        return key(self.seed, -1)

    def email_of(self, member: int) -> str:
        return email(self.seed, member - self.first)

    def orders_of(self, member: int) -> Any:
        return orders_of(member).filter(order_number__startswith="S0")

    def deepest(self, member: int, page: int) -> tuple[Order, str]:
        """The order before the member's last page, and the cursor that begins after it."""
        ordering = Ordering(orders_of(member))
        before = ordering.apply(orders_of(member), backwards=True)[page]
        return before, str(ordering.cursor_at(before))


def key(seed: int, number: int) -> str:
    return hashlib.sha256(f"drf-oms {seed} {number}".encode()).hexdigest()


def email(seed: int, number: int) -> str:
    return f"speed.{seed}.{number}@example.com"


def fill(seed: int, orders: int = SMALL) -> Data:
    """What is missing of so many orders."""
    for alias in connections:
        enlarge(alias)
    data = Data(seed, _members(seed), big=orders > SMALL)
    with administrator_of(DEFAULT_DB_ALIAS) as administrator, administrator.cursor() as cursor:
        cursor.execute(f"SET SESSION cte_max_recursion_depth = {CHUNK + 1}")
        cursor.execute(NEWEST)
        newest = cursor.fetchone()[0]
        made = int(newest[1:], 36) + 1 if newest else 0
        facts = {
            "member": data.first,
            "members": MEMBERS,
            "small": SMALL,
            "start": f"{_start():%Y-%m-%d %H:%M:%S}",
        }
        for first in range(made, orders, CHUNK):
            chunk = {**facts, "first": first, "last": min(first + CHUNK, orders) - 1}
            administrator.begin()
            cursor.execute(ORDERS, chunk)
            cursor.execute(LINES, chunk)
            administrator.commit()
            await_replicas()
            say(f"  {chunk['last'] + 1:,} of {orders:,} orders")
        if made < orders:
            cursor.execute("ANALYZE TABLE orders_order, orders_orderline")
    await_replicas()
    return data


def _start() -> datetime:
    """The same for a run that goes on with what an earlier one began."""
    with suppress(Order.DoesNotExist):
        return Order.objects.get(order_number="S" + "0" * 11).placed_at
    return datetime.now(UTC)


def _members(seed: int) -> int:
    """The id of the first, with a token each; and a staff member."""
    found = Member.objects.filter(email=email(seed, 0)).first()
    if found is None:
        password = make_password(PASSWORD)
        details = {"password": password, "name": "김하늘", "nickname": "haneul", "phone": "01012345678"}
        Member.objects.bulk_create(Member(email=email(seed, n), **details) for n in range(MEMBERS))
        make_missing_groups()
        staff = Member.objects.create(email=f"{seed}.{STAFF}", is_staff=True, **details)
        staff.groups.add(Group.objects.get(name=ADMINISTRATOR))
        found = Member.objects.get(email=email(seed, 0))
        owners = [(staff.pk, -1), *((found.pk + n, n) for n in range(MEMBERS))]
        AuthToken.objects.bulk_create(_token(seed, *owner) for owner in owners)
    return found.pk


def _token(seed: int, member: int, number: int) -> AuthToken:
    text = key(seed, number)
    return AuthToken(
        digest=hash_token(text), token_key=text[:15], user_id=member, expiry=datetime.now(UTC) + FAR
    )
