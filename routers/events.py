"""Named events: what the router decided and why, in the log and in counters.

Every event is one line of the logger `routers`: its name, then `key=value` facts. No event names a
member, a token or a statement.
"""

import logging
from typing import Any

from routers import journal, metrics

log = logging.getLogger("routers")

LEVELS = {
    "drain_restored": logging.WARNING,
    "drains_unknown": logging.DEBUG,  # twice a second while the cache is away, which is said once elsewhere
    "fall_back": logging.DEBUG,  # many while a replica lags; counted always, logged on demand
    "lost_write": logging.CRITICAL,
    "node_in": logging.INFO,
    "node_out": logging.WARNING,
    "position_store_found": logging.WARNING,
    "position_store_lost": logging.ERROR,
    "position_unknown": logging.ERROR,
    "positions_forgotten": logging.WARNING,
    "primary_changed": logging.WARNING,
    "refused": logging.ERROR,
    "request_rerun": logging.WARNING,
    "semisync_degraded": logging.ERROR,
    "semisync_restored": logging.WARNING,
    "split_brain": logging.CRITICAL,
    "token_ignored": logging.INFO,
}


def emit(name: str, **facts: Any) -> None:
    """Log and count an event. `name` is a key of `LEVELS`."""
    metrics.count_event(name, facts)
    journal.note_event(name, facts)
    level = LEVELS[name]
    if log.isEnabledFor(level):
        log.log(level, "%s %s", name, " ".join(f"{key}={value}" for key, value in facts.items()))
