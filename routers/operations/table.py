"""The status of replication as a table, for people."""

from collections.abc import Iterator
from typing import Any

from routers.operations.status import NodeStatus, as_dict
from routers.prober import IS_PRIMARY

SHOWN = 120  # characters of a GTID set


def lines(statuses: list[NodeStatus], style: Any) -> Iterator[str]:
    """The facts of each node, and its faults below them. `style` is a command's."""
    for status in statuses:
        yield from _lines_of(status, style)
        yield ""
    facts = as_dict(statuses)
    if gone := facts["lost"]:
        yield style.ERROR(f"lost: {gone['count']} acknowledged writes that the primary does not have")
        yield f"  {_short(gone['gtids'])}"
        yield "    → look for them on the former primary (mysqlbinlog --include-gtids), then run: replication"
        yield "      lost --clear"
        yield ""
    word = facts["status"]
    yield (style.SUCCESS if word == "healthy" else style.ERROR)(f"Replication is {word}.")


def _lines_of(status: NodeStatus, style: Any) -> Iterator[str]:
    known, node = status.as_dict(), status.node
    state = style.ERROR(status.out_because) if status.out_because else style.SUCCESS("in service")
    if status.out_because == IS_PRIMARY:
        yield f"{style.MIGRATE_HEADING(node.alias)}  is {style.SUCCESS('the primary')}"
        return
    yield f"{style.MIGRATE_HEADING(node.alias)}  {status.role}, {state}"
    if not node.unreachable:
        for name, value in _facts(status, known):
            yield f"  {name:<12}{value}"
    for hidden in node.hidden:
        yield style.WARNING(f"  not visible {hidden}")
    for fault in status.faults:
        yield style.ERROR(f"  {fault.name}: {fault.fact}")
        yield f"    → {fault.next_step}"


def _facts(status: NodeStatus, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "server", f"MySQL {known['version']}, id {known['server_id']}, {known['server_uuid']}"
    yield "read only", f"read_only {_on(known['read_only'])}, super_read_only {_on(known['super_read_only'])}"
    if status.role == "replica":
        yield from _facts_of_replica(known)
    semisync = known["semisync"]
    if semisync is None:
        said = "not loaded"
    else:
        said = _on(semisync["active"]) + (
            f", {semisync['clients']} replicas" if "clients" in semisync else ""
        )
    yield "semisync", said
    yield "connections", f"{known['connections']['open']} of {known['connections']['most']}"
    yield "executed", _short(known["executed"])


def _facts_of_replica(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("receiver", "applier"):
        if (thread := known[name]) is not None:
            error = f", {thread['error_number']}: {thread['error']}" if thread.get("error_number") else ""
            source = f" from {thread['host']}:{thread['port']}" if "host" in thread else ""
            yield name, f"{thread.get('state', 'not set up')}{source}{error}"
    for name in ("missing", "errant"):
        count, gtids = known[name]["count"], known[name]["gtids"]
        yield name, f"{count} {_short(gtids)}".rstrip()
    yield "lag", _lag(known["lag_ms"], known["lag_at_most_ms"])


def _lag(at_least: int | None, at_most: int | None) -> str:
    if at_least is None:
        return "not visible"
    if at_least == at_most:
        return f"{at_least} ms"
    return f"{at_least} ms at least" + ("" if at_most is None else f", {at_most} ms at most")


def _on(value: bool) -> str:
    return "ON" if value else "OFF"


def _short(gtids: str) -> str:
    return gtids if len(gtids) <= SHOWN else f"{gtids[:SHOWN]}…"
