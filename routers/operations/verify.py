"""Whether replication works and the copies are equal: a canary, the schema, the data."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import probe
from routers.conf import conf
from routers.operations import canary, progress, schema, tables
from routers.operations.checksums import Comparison, Drift, NotCaughtUp, prepare
from routers.operations.tables import Table

EQUAL, DIFFERENT, UNKNOWN = 0, 1, 2
NAMED = 1000  # rows of one kind, for programs; the rest is counted
ANSWER_WITHIN = 600  # seconds for one statement


@dataclass
class Findings:
    """By replica: seconds of the `canary`, sentences on the `schema`, and `drift` by table.

    `unknown`: what could not be compared, and why. `compared`: rows of the primary, by table. `whole`: tables
    that were to be compared since a moment, and have no column that tells one.
    """

    canary: dict[str, float | None] = field(default_factory=dict)
    schema: dict[str, list[str]] = field(default_factory=dict)
    drift: dict[str, dict[str, Drift]] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def exit_code(self) -> int:
        if any(self.schema.values()) or any(any(tables.values()) for tables in self.drift.values()):
            return DIFFERENT
        return UNKNOWN if self.unknown or None in self.canary.values() else EQUAL

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        word = {EQUAL: "equal", DIFFERENT: "different", UNKNOWN: "unknown"}[self.exit_code()]
        times = {alias: None if at is None else round(at * 1000, 1) for alias, at in self.canary.items()}
        drift = {
            alias: {table: _named(of_table) for table, of_table in found.items()}
            for alias, found in self.drift.items()
        }
        return {
            "status": word,
            "canary_ms": times,
            "schema": self.schema,
            "drift": drift,
            "compared": self.compared,
            "whole": self.whole,
            "unknown": self.unknown,
        }


def _named(drift: Drift) -> dict[str, Any]:
    kinds = vars(drift)
    return {
        kind: {"count": len(keys), "keys": [[str(part) for part in key] for key in keys[:NAMED]]}
        for kind, keys in kinds.items()
    }


def verify(*, only: list[str], throttle: float, seconds: float, since: datetime | None = None) -> Findings:
    """`only` these tables (all, when none is named), with a pause of `throttle` seconds between chunks.

    `since` (aware) leaves out rows that name no moment from then on. `seconds` is how long the canary, and a
    row that is looked at again, may take to arrive. Raises `MySQLdb.Error` when the primary does not answer,
    `LookupError` for a table that is not there.
    """
    findings = Findings(canary=canary.fly(conf().weights, seconds))
    with ExitStack() as stack:
        primary = stack.enter_context(connected(DEFAULT_DB_ALIAS))
        replicas = {}
        for alias in conf().weights:
            try:
                replicas[alias] = stack.enter_context(connected(alias))
            except (MySQLError, OSError) as error:
                findings.unknown.append(f"{alias}: it does not answer ({error})")
        _compare_schemas(primary, replicas, findings, seconds)
        comparison, known = Comparison(primary, replicas, seconds), list(tables.read(primary))
        chosen = [table.narrowed(since) for table in _chosen(known, only)]
        findings.whole = [table.name for table in chosen if since and not table.since]
        _compare_data(comparison, findings, chosen, throttle)
    return findings


def _compare_schemas(primary: Any, replicas: dict[str, Any], findings: Findings, seconds: float) -> None:
    ours, committed = schema.read(primary), probe.executed(primary)
    for alias, replica in replicas.items():
        if not probe.wait(replica, committed, seconds):
            findings.unknown.append(f"{alias}: it has not caught up within {seconds:g} s")
        else:
            findings.schema[alias] = list(schema.differences(ours, schema.read(replica)))


def _compare_data(comparison: Comparison, findings: Findings, chosen: list[Table], throttle: float) -> None:
    with progress.bar(sum(table.rows for table in chosen)) as bar:
        for table in chosen:
            bar.set_description(table.name)
            if not table.key:
                findings.unknown.append(f"{table.name}: it has no primary key")
                continue
            _compare_table(comparison, table, findings, bar, throttle)


def _compare_table(
    comparison: Comparison, table: Table, findings: Findings, bar: Any, throttle: float
) -> None:
    """Each replica that has the table as the primary has it."""

    def done(rows: int) -> None:
        findings.compared[table.name] = findings.compared.get(table.name, 0) + rows
        bar.update(rows)
        time.sleep(throttle)  # as long as they said

    alike = {
        alias: replica
        for alias, replica in comparison.replicas.items()
        if alias in findings.schema and not _concerns(findings.schema[alias], table)
    }
    try:
        found = Comparison(comparison.primary, alike, comparison.patience).compare(table, done)
    except NotCaughtUp as error:
        findings.unknown.append(f"{table.name}: {error} has not caught up within {comparison.patience:g} s")
        return
    for alias, drift in found.items():
        if drift or drift.unsettled:
            findings.drift.setdefault(alias, {})[table.name] = drift


def _concerns(differences: list[str], table: Table) -> bool:
    """Whether rows cannot be compared for that: a table or a column is not the same."""
    what = (f"table {table.name} ", f"column {table.name}.")
    return any(difference.startswith(what) for difference in differences)


def _chosen(known: list[Table], only: list[str]) -> list[Table]:
    if unknown := set(only) - {table.name for table in known}:
        raise LookupError(", ".join(sorted(unknown)))
    return [table for table in known if not only or table.name in only]


@contextmanager
def connected(alias: str) -> Iterator[Any]:
    connection = probe.connect(alias, conf().PROBE_TIMEOUT_SECONDS, answer_within=ANSWER_WITHIN)
    try:
        prepare(connection)
        yield connection
    finally:
        connection.close()


def lines(findings: Findings, style: Any) -> Iterator[str]:
    """For people. `style` is a command's."""
    for alias, after in findings.canary.items():
        arrived = (
            style.SUCCESS(f"after {after * 1000:.1f} ms") if after is not None else style.ERROR("not seen")
        )
        yield f"{alias}: canary {arrived}"
    for alias, differences in findings.schema.items():
        yield f"{alias}: schema " + (style.ERROR("differs") if differences else style.SUCCESS("equal"))
        yield from (f"  {difference}" for difference in differences)
    yield f"data: {sum(findings.compared.values())} rows of {len(findings.compared)} tables compared"
    if findings.whole:
        yield f"  no column tells when a row was changed, so compared whole: {', '.join(findings.whole)}"
    for alias, found in findings.drift.items():
        for table, drift in found.items():
            for kind, keys in vars(drift).items():
                if keys:
                    yield f"  {alias} {table}: {len(keys)} {style.ERROR(kind)}: {_keys(keys)}"
    yield from (style.WARNING(f"not compared: {what}") for what in findings.unknown)
    word = findings.as_dict()["status"]
    yield (style.SUCCESS if word == "equal" else style.ERROR)(f"The copies are {word}.")


def _keys(keys: list[Any], shown: int = 20) -> str:
    texts = ["/".join(str(part) for part in key) for key in keys[:shown]]
    return ", ".join(texts) + (", …" if len(keys) > shown else "")
