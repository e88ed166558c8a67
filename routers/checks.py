"""What must hold of the settings for the router to keep its word. (Of the nodes: routers.node_checks.)"""

import difflib
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from math import inf
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from routers import primary
from routers.conf import Conf
from routers.middleware import RoutingMiddleware
from routers.mysql.base import DatabaseWrapper
from routers.positions import IN_FLIGHT_SECONDS
from routers.probe import Address
from routers.router import PrimaryReplicaRouter

TAG = "routers"
Messages = list[CheckMessage]

LOCAL_CACHES = {
    "django.core.cache.backends.dummy.DummyCache",
    "django.core.cache.backends.locmem.LocMemCache",
}
DATABASE_CACHE = "django.core.cache.backends.db.DatabaseCache"
SHARED_CACHE = (
    '"BACKEND": "django.core.cache.backends.redis.RedisCache", or on one host'
    ' "routers.sqlitecache.SQLiteCache"'
)
OLD_SNAPSHOTS = {None, "repeatable read"}  # None: the server's own default, which is that
POSITIONS_PER_LAG = 2  # a position lives so many times as long as a replica in service may be behind


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -inf < value < inf


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _replicas_and_weights(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(alias, str) for alias in value) and all(
            _number(weight) and weight > 0 for weight in value.values()
        )
    return isinstance(value, list | tuple) and all(isinstance(alias, str) for alias in value)


# Of each key of ROUTERS: what is expected, and whether a value is that.
EXPECTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "REPLICAS": ("a list of aliases, or a dict of aliases and weights above 0", _replicas_and_weights),
    "CACHE": ("an alias of CACHES", lambda value: isinstance(value, str)),
    "GATE_READS": ("True or False", lambda value: isinstance(value, bool)),
    "WAIT_BUDGET_MS": ("a number of 0 or more", lambda value: _number(value) and value >= 0),
    "MAX_LAG_SECONDS": ("a number above 0", lambda value: _number(value) and value > 0),
    "PROBE_SECONDS": ("a number of 0 or more", lambda value: _number(value) and value >= 0),
    "PROBE_TIMEOUT_SECONDS": ("a whole number above 0", lambda value: _whole(value) and value > 0),
    "POSITION_SECONDS": ("a whole number above 0", lambda value: _whole(value) and value > 0),
    "STORE_RETRY_SECONDS": ("a number of 0 or more", lambda value: _number(value) and value >= 0),
    "FALL_BACK_READS_PER_SECOND": (  # below 1, the bucket would never hold a whole read
        "None, or a number of 1 or more",
        lambda value: value is None or (_number(value) and value >= 1),
    ),
    "PRIMARY_WAIT_SECONDS": ("a number of 0 or more", lambda value: _number(value) and value >= 0),
    "RETRY_AFTER_SECONDS": ("a whole number of 0 or more", lambda value: _whole(value) and value >= 0),
    **dict.fromkeys(
        ("ADMIN_USER", "ADMIN_PASSWORD", "REPLICATION_USER", "REPLICATION_PASSWORD"),
        ("a text", lambda value: isinstance(value, str)),
    ),
    "EXPOSE_DATABASE_HEADER": ("True or False", lambda value: isinstance(value, bool)),
}


@register(TAG)
def check_keys(app_configs: Any, **kwargs: Any) -> Messages:
    """E001"""
    known = [key.name for key in fields(Conf)]
    return [_unknown(str(key), known) for key in _given() if key not in known]


def _unknown(key: str, known: list[str]) -> Error:
    nearest = difflib.get_close_matches(key.upper(), known, n=1)
    return Error(
        f"ROUTERS has no key '{key}'.",
        hint=f"Write '{nearest[0]}' instead." if nearest else f"Remove it. The keys are: {', '.join(known)}.",
        id="routers.E001",
    )


@register(TAG)
def check_values(app_configs: Any, **kwargs: Any) -> Messages:
    """E005"""
    given = getattr(settings, "ROUTERS", {})
    if not isinstance(given, dict):
        return [_wrong("ROUTERS", given, "a dict")]
    wrong: Messages = [
        _wrong(f'ROUTERS["{key}"]', "…" if "PASSWORD" in key else given[key], expected)
        for key, (expected, holds) in EXPECTED.items()
        if key in given and not holds(given[key])
    ]
    return wrong or list(_short_lived_positions(given))


def _wrong(what: str, value: Any, expected: str) -> Error:
    return Error(f"{what} is {value!r}.", hint=f"Set it to {expected}.", id="routers.E005")


def _short_lived_positions(given: dict[str, Any]) -> Iterator[Error]:
    """A member's position must outlive their requests, and the lag of the replicas that may answer them."""
    lag = given.get("MAX_LAG_SECONDS", Conf.MAX_LAG_SECONDS)
    kept = given.get("POSITION_SECONDS", Conf.POSITION_SECONDS)
    least = max(POSITIONS_PER_LAG * lag, IN_FLIGHT_SECONDS)
    if kept < least:
        yield Error(
            f'ROUTERS["POSITION_SECONDS"] is {kept}: a replica that is {lag} s behind and still in service'
            " may answer after the write position is forgotten.",
            hint=f"Set it to {least:g} or more, or MAX_LAG_SECONDS lower.",
            id="routers.E005",
        )


@register(TAG)
def check_replica_aliases(app_configs: Any, **kwargs: Any) -> Messages:
    """E002"""
    others = [alias for alias in settings.DATABASES if alias != DEFAULT_DB_ALIAS]
    return [
        Error(
            f"ROUTERS[\"REPLICAS\"] names '{alias}', which is "
            + ("the primary." if alias == DEFAULT_DB_ALIAS else "not in DATABASES."),
            hint=f"Name only replicas that are in DATABASES, as: {', '.join(others) or 'none yet'}.",
            id="routers.E002",
        )
        for alias in replicas()
        if alias not in others
    ]


@register(TAG)
def check_hosts(app_configs: Any, **kwargs: Any) -> Messages:
    """E007, W005"""
    try:
        hosts = primary.hosts()
    except ValueError as error:
        hint = 'Write each host of DATABASE_URL as host:port, separated by commas: "mysql1:3306,mysql2:3306".'
        return [Error(f"OPTIONS['hosts'] of 'default': {error}.", hint=hint, id="routers.E007")]
    if not primary.moves() or not replicas():
        return []
    watched = {_place_of(alias) for alias in replicas() if alias in settings.DATABASES}
    return [
        Warning(
            f"{primary.written(host)} may become the primary, and is no replica: when another server is the"
            " primary, nobody reads there, nor sees that it takes writes too.",
            hint="Add it to REPLICA_URLS: of the servers there, the one that is the primary is passed over.",
            id="routers.W005",
        )
        for host in hosts
        if host not in watched
    ]


def _place_of(alias: str) -> Address:
    place = settings.DATABASES[alias]
    return place["HOST"], int(place["PORT"] or 3306)


@register(TAG)
def check_engines(app_configs: Any, **kwargs: Any) -> Messages:
    """E003"""
    return [
        Error(
            f"The engine of the database '{alias}' is {settings.DATABASES[alias]['ENGINE']}: what its own"
            " commits are cannot be learned.",
            hint=f'Set DATABASES["{alias}"]["ENGINE"] = "routers.mysql".',
            id="routers.E003",
        )
        for alias in nodes()
        if not isinstance(connections[alias], DatabaseWrapper)
    ]


@register(TAG)
def check_isolation(app_configs: Any, **kwargs: Any) -> Messages:
    """W002"""
    return [
        Warning(
            f"Transactions on '{alias}' are REPEATABLE READ: one that was opened before a wait does not see"
            " what the replica got meanwhile.",
            hint=f'Set "isolation_level": "read committed" in the OPTIONS of \'{alias}\', or leave it out.',
            id="routers.W002",
        )
        for alias in nodes()[1:]
        if _isolation(alias) in OLD_SNAPSHOTS
    ]


def _isolation(alias: str) -> str | None:
    level = settings.DATABASES[alias]["OPTIONS"].get("isolation_level", "read committed")
    return None if level is None else str(level).lower()


@register(TAG)
def check_cache(app_configs: Any, **kwargs: Any) -> Messages:
    """E004, E006, W001"""
    alias = _given().get("CACHE", Conf.CACHE)
    if not replicas() or not isinstance(alias, str):
        return []
    what = f"ROUTERS[\"CACHE\"], '{alias}',"
    if alias not in settings.CACHES:
        hint = f"Name one of: {', '.join(settings.CACHES)}."
        return [Error(f"{what} is not in CACHES.", hint=hint, id="routers.E004")]
    backend, hint = settings.CACHES[alias]["BACKEND"], f'Give CACHES["{alias}"] {SHARED_CACHE}.'
    if backend == DATABASE_CACHE:
        fact = f"{what} is a table: the router would look up on a replica what that replica lacks."
        return [Error(fact, hint=hint, id="routers.E006")]
    if backend in LOCAL_CACHES:
        fact = f"{what} is a {backend.rpartition('.')[2]}: worker processes do not share it."
        return [Warning(fact, hint=hint, id="routers.W001")]
    return []


@register(TAG)
def check_installation(app_configs: Any, **kwargs: Any) -> Messages:
    """W003, W004"""
    found: Messages = []
    if replicas() and not _has(settings.DATABASE_ROUTERS, PrimaryReplicaRouter):
        fact = "ROUTERS has REPLICAS, but DATABASE_ROUTERS has not the router: no read goes to them."
        hint = 'Add "routers.router.PrimaryReplicaRouter" to DATABASE_ROUTERS.'
        found.append(Warning(fact, hint=hint, id="routers.W003"))
    if replicas() and not _has(settings.MIDDLEWARE, RoutingMiddleware):
        fact = "ROUTERS has REPLICAS, but MIDDLEWARE has not the router's: all requests read the primary."
        hint = 'Add "routers.middleware.RoutingMiddleware" to MIDDLEWARE, as the last one.'
        found.append(Warning(fact, hint=hint, id="routers.W004"))
    return found


def _has(places: Collection[Any], wanted: type) -> bool:
    """Whether one of them is the class, or one made from it."""
    found = [import_string(place) if isinstance(place, str) else type(place) for place in places]
    return any(isinstance(one, type) and issubclass(one, wanted) for one in found)


def settings_are_wrong() -> bool:
    """Whether the router cannot even start by them, so that looking at nodes is too early."""
    checks = check_keys, check_values, check_replica_aliases, check_engines
    return any(check(None) for check in checks)


def _given() -> dict[str, Any]:
    given = getattr(settings, "ROUTERS", {})
    return given if isinstance(given, dict) else {}


def replicas() -> list[str]:
    """Their aliases; none while `check_values` complains about them."""
    given = _given().get("REPLICAS", [])
    return list(given) if _replicas_and_weights(given) else []


def nodes() -> list[str]:
    """The primary's alias and those of its replicas, as far as there are such; none without replicas."""
    known = [alias for alias in replicas() if alias in settings.DATABASES and alias != DEFAULT_DB_ALIAS]
    return [DEFAULT_DB_ALIAS, *known] if known else []
