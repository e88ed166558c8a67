"""Looks at every node again and again, so that requests need not."""

import os
import random
import threading
import time

from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import connections, drained, metrics, positions, probe
from routers.conf import conf
from routers.pool import nodes
from routers.replica import History, Node, lag_of, look_again

ERRANT = "errant transactions"
AHEAD_SECONDS = 15  # rpl_semi_sync_source_timeout is 10 unless set
FAILING_PROBE_SECONDS = 2  # between two looks at a node that did not answer: each may cost a time-out


class Prober(threading.Thread):
    """One daemon thread per process."""

    def __init__(self) -> None:
        super().__init__(name="routers-prober", daemon=True)
        self.first_round_done = threading.Event()
        self.history = new_history()
        self.drained = drained.Drained()
        self._next_look: dict[str, float] = {}

    def run(self) -> None:
        while True:
            self.look_at_all()
            self.first_round_done.set()
            interval = conf().PROBE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - not in step with others
            look_again.wait(interval)
            look_again.clear()

    def look_at_all(self) -> None:
        """The primary first: what it had then, a replica in step has a moment later."""
        known = nodes()
        self.drained.look()
        for node in known:
            if time.monotonic() >= self._next_look.get(node.alias, 0.0):
                self._look_at(node, primary=known.primary)
                metrics.describe_node(node, role="primary" if node is known.primary else "replica")

    def _look_at(self, node: Node, *, primary: Node) -> None:
        try:
            facts = probe.ask(node.alias, conf().PROBE_TIMEOUT_SECONDS)
        except (MySQLError, OSError) as error:
            self._next_look[node.alias] = time.monotonic() + FAILING_PROBE_SECONDS
            node.facts = None
            node.lose(f"unreachable ({error.args[0] if error.args else type(error).__name__})")
            connections.sever(node.alias)
            return
        if node is primary:
            self._update_primary(node, facts)
        else:
            self._update_replica(node, facts, primary)

    def _update_primary(self, node: Node, facts: probe.Facts) -> None:
        if node.executed - facts.executed:  # RESET BINARY LOGS AND GTIDS, or another server
            positions.forget_all()
            self.history = new_history()
        node.facts, node.executed, node.probed_at = facts, facts.executed, time.monotonic()
        self.history.add(facts.executed, node.probed_at)
        if facts.read_only:
            node.take_out("read only")
        else:
            node.put_in()

    def _update_replica(self, node: Node, facts: probe.Facts, primary: Node) -> None:
        errant = self._is_errant(node, primary)
        node.facts, node.executed, node.probed_at = facts, facts.executed, time.monotonic()
        node.lag, node.lag_at_most = lag_of(facts, self.history, node.probed_at)
        if node.alias in self.drained.aliases:
            node.take_out(drained.REASON)
            return
        reason = why_out(facts, node.lag, errant=errant)
        if reason is None:
            node.put_in()
        else:
            node.take_out(reason)

    def _is_errant(self, node: Node, primary: Node) -> bool:
        """Whether it contains what the primary does not: what it had a round ago must be there by now.

        The primary's own transactions may be, for a while: under semisync with AFTER_SYNC it shows a
        commit only after a replica has received it. Unless the primary counts anew.
        """
        if primary.facts is None or node.facts is None:
            return node.suspect  # until a primary says otherwise
        excess = node.facts.executed - primary.facts.executed
        if not excess:
            node.ahead_since, node.suspect = None, False
            return False
        now = time.monotonic()
        node.ahead_since = node.ahead_since or now
        foreign = bool(excess - excess.of_server(primary.facts.server_uuid))
        node.suspect = node.suspect or foreign or now - node.ahead_since > AHEAD_SECONDS
        return node.suspect


def new_history() -> History:
    """Long enough to tell that a replica is too far behind."""
    return History(length=max(120, int(2 * conf().MAX_LAG_SECONDS / (conf().PROBE_SECONDS or 1))))


def why_out(facts: probe.Facts, lag: float, *, errant: bool) -> str | None:
    """Why a replica that answers takes no reads; None when it may."""
    if not facts.read_only:
        return "writable"
    if not facts.receiving:
        return "receiver stopped"
    if not facts.applying:
        return "applier stopped"
    if errant:
        return ERRANT
    if lag > conf().MAX_LAG_SECONDS:
        return "lagging"
    return None


_prober: Prober | None = None
_prober_pid = 0
_starting = threading.Lock()


def ensure_started() -> None:
    """Start this process's prober, once, and await its first round: worker processes come from forks."""
    global _prober, _prober_pid  # noqa: PLW0603 - one per process
    if _prober_pid == os.getpid() or not conf().PROBE_SECONDS or not conf().REPLICAS:
        return
    with _starting:
        if _prober_pid != os.getpid():
            _prober = Prober()
            _prober.start()
            _prober.first_round_done.wait(len(conf().weights) + 1.0)
            _prober_pid = os.getpid()
