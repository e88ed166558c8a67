"""Members and orders to look at, made over the API."""

import uuid
from typing import Any

from tests.replication.cluster import Client, Service

PRODUCTS = [
    ("머그컵 세트", 18_000, "MUG-2"),
    ("드립 커피 200 g", 14_500, "COFFEE-200"),
    ("세라믹 접시", 22_000, "PLATE-9"),
    ("린넨 앞치마", 39_000, "APRON-1"),
    ("찻주전자", 54_000, "POT-3"),
]
LIFE = ["", "prepare", "ship", "ship", "deliver", "cancel", "return"]


class Shop:
    """What one member of staff sees: a member with enough orders for three pages."""

    orders = 45

    def __init__(self, service: Service, staff: tuple[str, str]) -> None:
        self.service = service
        self.staff = Client(service)
        self.staff.password = staff[1]
        assert self.staff.log_in(staff[0]).ok
        self.email = f"haneul.{uuid.uuid4().hex[:8]}@example.com"
        self.member = Client(service)
        assert self.member.register(self.email).ok
        for number in range(self.orders):
            order = self.place(number)
            for action in self._life(number):
                self.move(order, action)

    def place(self, number: int = 0, **fields: Any) -> str:
        """An order of the member; its number."""
        name, price, sku = PRODUCTS[number % len(PRODUCTS)]
        lines = [{"name": name, "unit_price": str(price), "sku": sku, "quantity": 1 + number % 3}]
        placed = self.member.call("POST", "/orders/", lines=fields.pop("lines", lines), **fields)
        assert placed.status_code == 201, placed.text
        return str(placed.json()["order_number"])

    def move(self, order: str, action: str, **details: Any) -> Any:
        return self.staff.call("POST", f"/orders/{order}/{action}", **details or {"note": ""})

    def newest(self) -> str:
        listed = self.staff.call("GET", "/orders/?limit=1").json()["results"]
        return str(listed[0]["order_number"])

    def events(self, order: str) -> list[dict[str, Any]]:
        listed = self.staff.call("GET", f"/orders/{order}/events").json()
        return list(listed["results"])

    def _life(self, number: int) -> list[str]:
        last = LIFE[number % len(LIFE)]
        return ["ship", last] if last in ("deliver", "return") else [last] if last else []
