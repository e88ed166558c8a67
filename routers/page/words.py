"""The words of the page about replication."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routers import drained
from routers.prober import IS_PRIMARY
from routers.replica import Node

REASONS = {
    "strong": gettext_lazy("the view, or the client, asks for the primary"),
    "behind": gettext_lazy("no replica had it in time"),
    "no replica in service": gettext_lazy("no replica is in service"),
    "position unknown": gettext_lazy("the position store did not answer"),
    "token unknown": gettext_lazy("a token that the replica did not know"),
    "session unknown": gettext_lazy("a session that the replica did not know"),
    "credentials": gettext_lazy("credentials are read where they are fresh"),
}
EVENTS = {
    "node_in": gettext_lazy("in service again"),
    "node_out": gettext_lazy("out of service"),
    "primary_changed": gettext_lazy("another server is the primary"),
    "split_brain": gettext_lazy("two servers take writes"),
    "lost_write": gettext_lazy("writes are lost"),
    "semisync_degraded": gettext_lazy("the primary no longer waits for a replica"),
    "semisync_restored": gettext_lazy("the primary waits for a replica again"),
    "request_rerun": gettext_lazy("a request was run again elsewhere"),
    "position_store_lost": gettext_lazy("the position store is lost"),
    "position_store_found": gettext_lazy("the position store is back"),
    "positions_forgotten": gettext_lazy("positions were forgotten"),
    "drain_restored": gettext_lazy("a drain was written back"),
}


def kind(node: Node) -> str:
    """What the node looks like: ok, drained, warn (it answers, and takes no reads) or down."""
    if node.in_service():
        return "ok"
    if node.out_because in (drained.REASON, IS_PRIMARY):
        return "drained"
    return "down" if node.facts is None else "warn"


def state(node: Node) -> str:
    if node.in_service():
        return _("in service")
    if node.out_because == drained.REASON:
        return _("drained")
    if node.out_because == IS_PRIMARY:
        return _("is the primary now")
    if node.facts is None:
        return _("does not answer: %(reason)s") % {"reason": node.out_because}
    return _("out of service: %(reason)s") % {"reason": node.out_because}


def status(shown: list[dict[str, Any]]) -> dict[str, str]:
    """`{kind, text}` of all nodes together."""
    primary, *replicas = shown
    if not primary["in_service"]:
        return {"kind": "down", "text": _("The primary takes no writes.")}
    if not all(replica["in_service"] or replica["state"] == IS_PRIMARY for replica in replicas):
        return {"kind": "warn", "text": _("Degraded: a replica takes no reads.")}
    return {"kind": "ok", "text": _("All nodes are in service.")}


def reason(name: str) -> str:
    return str(REASONS.get(name, name))


def event(name: str) -> str:
    return str(EVENTS.get(name, name))


def duration(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
