"""Members and orders, made by the real services."""

from typing import Any

import factory
from django.contrib.auth.models import Group

from accounts.groups import ADMINISTRATOR, make_missing_groups
from accounts.models import Member
from accounts.services import register_member
from orders.models import Order
from orders.placing import place_order

PASSWORD = "Correct-horse-7"


class MemberFactory(factory.Factory):
    class Meta:
        model = Member

    email = factory.Sequence(lambda n: f"member{n}@example.com")
    password = PASSWORD
    name = "김하늘"
    nickname = factory.Sequence(lambda n: f"member_{n}")
    phone = "01012345678"

    @classmethod
    def _create(cls, model_class: type[Member], *args: Any, **details: Any) -> Member:
        is_staff, group = details.pop("is_staff", False), details.pop("group", ADMINISTRATOR)
        auth_token, _ = register_member(**details)
        member = auth_token.user
        if is_staff:
            member.is_staff = True
            member.save()
            join(member, group)
        return member


def join(member: Member, group: str | None) -> None:
    """Put a staff member into the group. What empties the tables after a test takes the groups too."""
    if group is not None:
        make_missing_groups()
        member.groups.add(Group.objects.get(name=group))


class OrderFactory(factory.Factory):
    class Meta:
        model = Order

    customer = factory.SubFactory(MemberFactory)
    product_name = "Mug 🏺"

    @classmethod
    def _create(cls, model_class: type[Order], *args: Any, **details: Any) -> Order:
        order, _ = place_order(**details)
        return order
