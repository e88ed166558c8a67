"""Database URLs that name several hosts, as libpq's may: the primary is one of them (see routers.primary)."""

from typing import Any

import environ


def database(url: str) -> dict[str, Any]:
    """An entry of `DATABASES`; `mysql://user:password@one:3306,two:3306/oms` has `OPTIONS["hosts"]`."""
    before, slashes, rest = url.strip().partition("://")
    place, slash, path = rest.partition("/")
    account, at, hosts = place.rpartition("@")
    first, *others = hosts.split(",")
    found: dict[str, Any] = environ.Env.db_url_config(f"{before}{slashes}{account}{at}{first}{slash}{path}")
    if others:
        found["OPTIONS"] = {**found.get("OPTIONS", {}), "hosts": [first, *others]}
    return found
