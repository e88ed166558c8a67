"""Very many orders, made by the server itself: one member has a fifth of them."""

import os
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import MySQLdb
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from accounts.models import Member
from orders.models import Order, OrderLine
from scripts.bench.figures import say
from scripts.bench.members import Caller, await_replicas, new_caller

CHUNK = 20_000  # rows a transaction: replicas apply them one after the other
OTHERS = 500
BUFFER_POOL = 512 * 1024**2  # bytes
SHARE = 5  # every fifth order is the member's
WITH_LINES = 100_000  # the last so many, five weeks: those that stats read

# One every half minute, going back from now. Two of three cost nothing, one in 10,000 came back.
ORDERS = """
    INSERT INTO orders_order
           (order_number, customer_id, product_name, status, payment_status, currency, total, refunded_total,
            placed_at, paymented_at, updated_at, version, source)
      WITH RECURSIVE numbers (n) AS (SELECT %(first)s UNION ALL SELECT n + 1 FROM numbers WHERE n < %(last)s)
    SELECT LPAD(CONV(%(base)s + n, 10, 36), 12, '0'),
           IF(n MOD %(share)s = 0, %(member)s, %(others)s + CRC32(n) MOD %(other_count)s),
           CONCAT('머그컵 ', n MOD 1000),
           CASE WHEN CRC32(n) MOD 10000 = 0 THEN 'returned' WHEN CRC32(n) MOD 10 = 0 THEN 'shipped'
                WHEN CRC32(n) MOD 10 = 1 THEN 'pending' ELSE 'delivered' END,
           IF(CRC32(n) MOD 10 = 1, 'unpaid', 'paid'), 'KRW',
           IF(n MOD 3 = 0, CRC32(n) MOD 1000 * 100, 0), 0,
           placed, IF(CRC32(n) MOD 10 = 1, NULL, placed), placed, 1, 'api'
      FROM (SELECT n, TIMESTAMP(%(start)s) + INTERVAL 30 * n SECOND AS placed FROM numbers) AS moments
"""
LINES = """
    INSERT INTO orders_orderline
           (order_id, position, sku, name, quantity, quantity_canceled, quantity_returned, unit_price)
    SELECT id, 1, CONCAT('MUG-', id MOD 1000), product_name, 1 + id MOD 3, 0, 0, total
      FROM orders_order WHERE order_number BETWEEN LPAD(CONV(%(base)s + %(first)s, 10, 36), 12, '0')
                                               AND LPAD(CONV(%(base)s + %(last)s, 10, 36), 12, '0')
"""


def fill(orders: int) -> Caller:
    """Add so many orders; who has a fifth of them."""
    started = time.monotonic()
    for alias in settings.DATABASES:
        enlarge(alias)
    member = new_caller()
    facts = {
        "base": int(started) + int(time.time()) * 10**8,  # numbers that nobody has
        "share": SHARE,
        "member": member.member.pk,
        "others": new_members(OTHERS),
        "other_count": OTHERS,
        "start": f"{datetime.now(UTC) - timedelta(seconds=30 * orders):%Y-%m-%d %H:%M:%S}",
    }
    with administrator_of(DEFAULT_DB_ALIAS) as administrator, administrator.cursor() as cursor:
        cursor.execute(f"SET SESSION cte_max_recursion_depth = {CHUNK + 1}")
        for first in range(0, orders, CHUNK):
            chunk = {**facts, "first": first, "last": min(first + CHUNK, orders) - 1}
            cursor.execute(ORDERS, chunk)
            if first >= orders - WITH_LINES:
                cursor.execute(LINES, chunk)
            await_replicas()
        cursor.execute(f"ANALYZE TABLE {Order._meta.db_table}, {OrderLine._meta.db_table}")
    await_replicas()
    say(f"{orders:,} orders were made in {time.monotonic() - started:.0f} s.")
    return member


def new_members(count: int) -> int:
    """The id of the first of so many in a row, who cannot log in."""
    run = uuid.uuid4().hex[:12]
    details = {"password": "!", "name": "김하늘", "nickname": "haneul", "phone": "01012345678"}
    Member.objects.bulk_create(
        Member(email=f"bench.{run}.{number}@example.com", **details) for number in range(count)
    )
    return Member.objects.get(email=f"bench.{run}.0@example.com").pk


def enlarge(alias: str) -> None:
    """Memory for the table, as on a server that is meant for it; until the cluster stops."""
    with administrator_of(alias) as administrator, administrator.cursor() as cursor:
        cursor.execute(f"SET GLOBAL innodb_buffer_pool_size = {BUFFER_POOL}")
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")


def administrator_of(alias: str) -> Any:
    """A connection that is closed at the end of `with`."""
    node = settings.DATABASES[alias]
    return closing(
        MySQLdb.connect(
            host=node["HOST"],
            port=int(node["PORT"]),
            db=node["NAME"],
            read_default_file=str(Path(os.environ["CLUSTER_DIR"]) / "client.cnf"),
            charset="utf8mb4",
            autocommit=True,
        )
    )
