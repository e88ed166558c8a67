"""Many orders at once, and going through a list page by page."""

import itertools
from typing import Any

from orders.models import Order
from orders.placing import draft

numbers = itertools.count(1)


def many_orders(customer: Any, count: int, **fields: Any) -> list[Order]:
    """Orders as the service drafts them, inserted together; a list among `fields` is gone through in turn."""
    given = [f"{next(numbers):012d}" for _ in range(count)]
    drafts = [draft(customer=customer, product_name="Mug", order_number=number) for number in given]
    for index, new in enumerate(drafts):
        for name, value in fields.items():
            setattr(new.order, name, value[index % len(value)] if isinstance(value, list) else value)
    Order.objects.bulk_create([new.order for new in drafts])
    return list(Order.objects.filter(order_number__in=given).order_by("pk"))


def walk(client: Any, url: str | None, *, towards: str = "next", between: Any = None) -> list[list[Any]]:
    """The pages from this one on, each a list of what is shown; `between` is called after each."""
    pages = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.json()
        pages.append(answer.json()["results"])
        url = answer.json()[towards]
        if between:
            between()
    return pages


def ids(pages: list[list[Any]]) -> list[int]:
    return [shown["id"] for page in pages for shown in page]


def last_url(client: Any, url: str) -> str:
    """The link of the last page."""
    while following := client.get(url).json()["next"]:
        url = following
    return url
