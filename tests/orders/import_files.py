"""Files to import, and the request that sends one."""

import csv
import io
import json

from orders.models import Order, OrderEvent, OrderLine

PATH = "/orders/import"
CSV, JSONL = "text/csv", "application/x-ndjson"


def csv_file(*rows: dict, columns: list[str] | None = None) -> bytes:
    lines = io.StringIO()
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(lines, names)
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode()


def json_lines(*rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def send(client, body: bytes, content_type: str = CSV, **query):
    path = PATH + "?" + "&".join(f"{name}={value}" for name, value in query.items())
    return client.generic("POST", path, body, content_type)


def rows_of(customer, count: int, **more) -> list[dict]:
    common = {"customer": customer.pk, "product_name": "머그컵 🏺", "unit_price": "12000", **more}
    return [{"external_reference": f"shop-{number}", **common} for number in range(count)]


def nothing_is_written() -> bool:
    return not (Order.objects.exists() or OrderLine.objects.exists() or OrderEvent.objects.exists())
