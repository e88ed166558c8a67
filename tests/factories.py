"""Members and orders, made by the real services."""

from typing import Any

import factory

from accounts.models import Member
from accounts.services import register_member
from orders.models import Order
from orders.services import place_order

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
        is_staff = details.pop("is_staff", False)
        auth_token, _ = register_member(**details)
        member = auth_token.user
        if is_staff:
            member.is_staff = True
            member.save()
        return member


class OrderFactory(factory.Factory):
    class Meta:
        model = Order

    customer = factory.SubFactory(MemberFactory)
    product_name = "Mug 🏺"

    @classmethod
    def _create(cls, model_class: type[Order], *args: Any, **details: Any) -> Order:
        return place_order(**details)
