"""The floor: what each request costs when nothing is done but its statements and `json.dumps`.

A bare WSGI function on mysqlclient with persistent connections, under the service's gunicorn shape. No
routing by anybody's position, no checks of input, no events, no access log: nobody should serve this. It
reads the same rows and fields on the same replicas, and writes the same rows in one transaction.
"""

import base64
import hashlib
import itertools
import json
import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import environ
import MySQLdb
from MySQLdb.cursors import Cursor, DictCursor

from scripts.bench import floor_sql as sql

Answer = tuple[str, Any]
env = environ.Env()
PRIMARY: Any = env.db_url("DATABASE_URL")
REPLICAS: Any = [env.db_url_config(url) for url in env.list("REPLICA_URLS", default=[])] or [PRIMARY]
ITERATIONS = 1_000_000  # of PBKDF2: Django's, in 5.2
PAGE = 30

_mine = threading.local()  # connections belong to one thread
_next_replica = itertools.cycle(REPLICAS)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status, content = answer(environ, environ["REQUEST_METHOD"], environ["PATH_INFO"])
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(content, default=str).encode()]


def answer(environ: dict[str, Any], method: str, path: str) -> Answer:
    if path == "/healthz":
        return "200 OK", {"status": "ok"}
    if method == "POST" and path in UNKNOWN_CALLERS:
        return UNKNOWN_CALLERS[path](body_of(environ))
    cursor = primary() if method == "POST" else replica()
    digest = hashlib.sha512(environ["HTTP_AUTHORIZATION"].removeprefix("Token ").encode()).hexdigest()
    cursor.execute(sql.CALLER, [digest])
    caller = cursor.fetchone()
    if caller is None or not caller["is_active"]:
        return "401 Unauthorized", {}
    if method == "POST":
        return place(cursor, caller["id"], body_of(environ), environ.get("HTTP_IDEMPOTENCY_KEY"))
    return READS.get(path, one_order)(cursor, caller["id"], environ)


def history(cursor: Any, member: int, environ: dict[str, Any]) -> Answer:
    """Without a count, whichever page was asked for."""
    query = parse_qs(environ["QUERY_STRING"])
    if "before" in query:
        placed_at, pk = query["before"][0].split(",")
        cursor.execute(sql.HISTORY_BEFORE, [member, placed_at, placed_at, int(pk), PAGE])
    else:
        cursor.execute(sql.HISTORY, [member, PAGE, int(query.get("offset", ["0"])[0])])
    return "200 OK", {"next": None, "previous": None, "results": cursor.fetchall()}


def one_order(cursor: Any, member: int, environ: dict[str, Any]) -> Answer:
    pk = int(environ["PATH_INFO"].rsplit("/", 1)[1])
    cursor.execute(sql.ORDER, [pk, member])
    order = cursor.fetchone()
    if order is None:
        return "404 Not Found", {}
    cursor.execute(sql.LINES, [pk])
    order["lines"] = cursor.fetchall()
    cursor.execute(sql.REFUNDS, [pk])
    order["refunds"] = cursor.fetchall()
    return "200 OK", order


def members(cursor: Any, member: int, environ: dict[str, Any]) -> Answer:
    """Members, their last orders, their sums: three statements for all, as the service has them."""
    cursor.execute(sql.MEMBERS, [PAGE])
    rows = cursor.fetchall()
    cursor.execute(sql.ORDERS, [[row["last_order_id"] for row in rows] or [0]])
    orders = {row["id"]: row for row in cursor.fetchall()}
    cursor.execute(sql.SUMS, [[row["id"] for row in rows]])
    sums = {row.pop("customer_id"): row for row in cursor.fetchall()}
    results = [
        {**row, "last_order": orders.get(row.pop("last_order_id")), "sums": sums.get(row["id"])}
        for row in rows
    ]
    return "200 OK", {"next": None, "previous": None, "results": results}


def stats(cursor: Any, member: int, environ: dict[str, Any]) -> Answer:
    cursor.execute(sql.STATS, [member])
    buckets = cursor.fetchall()
    cursor.execute(sql.TOP_PRODUCTS, [member])
    return "200 OK", {"buckets": buckets, "top_products": cursor.fetchall()}


def place(cursor: Any, member: int, body: dict[str, Any], key: str | None) -> Answer:
    """The same inserts and commit. The answer's row is built here, as the service does it."""
    name, number = body["product_name"], secrets.token_hex(6).upper()
    cursor.execute("BEGIN")
    if key:
        fingerprint = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        cursor.execute(sql.INSERT_KEY, [member, key, fingerprint])
        key_id = cursor.lastrowid
    cursor.execute(sql.INSERT_ORDER, [number, member, name])
    order = {"id": cursor.lastrowid, "order_number": number, "customer": member, "product_name": name}
    cursor.execute(sql.INSERT_LINE, [order["id"], name])
    cursor.execute(sql.INSERT_EVENT, [order["id"], member, json.dumps(body)])
    if key:
        cursor.execute(sql.UPDATE_KEY, [json.dumps(order), order["id"], key_id])
    cursor.execute("COMMIT")
    return "201 Created", order


def log_in(body: dict[str, Any]) -> Answer:
    cursor = primary()
    cursor.execute(sql.MEMBER_BY_EMAIL, [body["email"]])
    member = cursor.fetchone()
    salt, expected = member["password"].split("$")[2:]
    if hashed(body["password"], salt) != expected:
        return "400 Bad Request", {}
    cursor.execute("BEGIN")
    token = new_token(cursor, member["id"])
    cursor.execute("COMMIT")
    return "200 OK", {"user": member, "token": token}


def register(body: dict[str, Any]) -> Answer:
    cursor, salt = primary(), secrets.token_hex(11)
    password = f"pbkdf2_sha256${ITERATIONS}${salt}${hashed(body['password'], salt)}"
    cursor.execute("BEGIN")
    details = [body[field] for field in ("email", "name", "nickname", "phone")]
    cursor.execute(sql.INSERT_MEMBER, [password, *details])
    member = cursor.lastrowid
    token = new_token(cursor, member)
    cursor.execute("COMMIT")
    return "201 Created", {"user": {"id": member}, "token": token}


def hashed(password: str, salt: str) -> str:
    raw = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), ITERATIONS)
    return base64.b64encode(raw).decode()


def new_token(cursor: Any, member: int) -> str:
    token = secrets.token_hex(32)
    digest = hashlib.sha512(token.encode()).hexdigest()
    cursor.execute(sql.INSERT_AUTH, [digest, token[:15], member])
    cursor.execute(sql.INSERT_SESSION, [digest])
    return token


def body_of(environ: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(environ["wsgi.input"].read())
    return body


def primary() -> Cursor:
    """With the GTIDs of its commits in their answers, as the service has them."""
    if not hasattr(_mine, "primary"):
        _mine.primary = connection_to(PRIMARY).cursor(DictCursor)
        _mine.primary.execute("SET SESSION session_track_gtids = OWN_GTID")
    return _mine.primary


def replica() -> Cursor:
    if not hasattr(_mine, "replica"):
        _mine.replica = connection_to(next(_next_replica)).cursor(DictCursor)
    return _mine.replica


def connection_to(node: dict[str, Any]) -> Any:
    return MySQLdb.connect(
        host=node["HOST"],
        port=int(node["PORT"]),
        user=node["USER"],
        password=node["PASSWORD"],
        database=node["NAME"],
        charset="utf8mb4",
        autocommit=True,
    )


UNKNOWN_CALLERS = {"/auth/login": log_in, "/accounts/users": register}
READS = {"/orders/": history, "/accounts/users": members, "/orders/stats": stats}
