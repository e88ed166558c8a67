"""Somebody with orders, who asks."""

import time
import uuid
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections

from accounts.models import Member
from accounts.services import register_member
from orders.placing import place_order
from routers import probe
from routers.conf import conf
from routers.gtid import GTIDSet

ORDERS = 30  # a full page
DEADLINE = 60  # seconds


@dataclass(frozen=True)
class Caller:
    """A member, and the token that their requests carry: its key, and its digest in the database."""

    member: Member
    key: str
    digest: str


def new_caller() -> Caller:
    """A member with a page of orders, whom every replica knows."""
    email = f"bench.{uuid.uuid4().hex[:12]}@example.com"
    details = {"name": "김하늘", "nickname": "haneul", "phone": "01012345678"}
    auth_token, key = register_member(email=email, password="Correct-horse-7", **details)  # noqa: S106
    for number in range(ORDERS):
        place_order(customer=auth_token.user, product_name=f"머그컵 {number}")
    await_replicas()
    return Caller(auth_token.user, key, auth_token.digest)


def await_replicas(seconds: float = DEADLINE) -> GTIDSet:
    """What the primary has committed by now, once every replica has it too."""
    committed = probe.executed(connections[DEFAULT_DB_ALIAS])
    deadline = time.monotonic() + seconds
    for alias in conf().REPLICAS:
        if not probe.wait(connections[alias], committed, max(deadline - time.monotonic(), 0.1)):
            raise SystemExit(f"{alias} has not caught up within {seconds} s.")
    return committed
