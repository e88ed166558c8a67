"""Looks at every node again and again, so that requests need not."""

import os
import random
import threading
import time
from math import inf

from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import connections, drained, events, journal, lost, metrics, positions, primary, probe
from routers.conf import conf
from routers.pool import Nodes, nodes
from routers.primary import moves
from routers.replica import History, Node, lag_of, look_again

ERRANT = "errant transactions"
IS_PRIMARY = "the primary"  # and a replica by the settings, which it was or will be
SPLIT_BRAIN = "two servers take writes"
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
        self._primary_is = ""

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
                self._look_at(node, known)
                role = "primary" if node is known.primary else "replica"
                metrics.describe_node(node, role=role, is_primary=node.out_because == IS_PRIMARY)
                journal.note_lag(node.alias, node.lag if node.facts else inf)
        journal.share()

    def _look_at(self, node: Node, known: Nodes) -> None:
        try:
            if node is known.primary:
                self._look_at_primary(known)
            else:
                facts = probe.ask(node.alias, conf().PROBE_TIMEOUT_SECONDS)
                self._update_replica(node, facts, known.primary)
        except (MySQLError, OSError) as error:
            if not (node is known.primary and moves()):  # a new one is to be found soon
                self._next_look[node.alias] = time.monotonic() + FAILING_PROBE_SECONDS
            node.facts = None
            node.lose(f"unreachable ({error.args[0] if error.args else type(error).__name__})")
            connections.sever(node.alias)

    def _look_at_primary(self, known: Nodes) -> None:
        node, timeout = known.primary, conf().PROBE_TIMEOUT_SECONDS
        if not moves():
            self._update_primary(node, probe.ask(node.alias, timeout), rivals=[])
            return
        before = primary.known()
        address, facts = primary.look(timeout)
        if before not in (None, address):
            events.emit("primary_changed", alias=node.alias, reason=f"now: {primary.written(address)}")
            node.lose("it has moved")  # connections of before lead to the former one
        self._update_primary(node, facts, rivals=self._rivals(known, facts))

    @staticmethod
    def _rivals(known: Nodes, now: probe.Facts) -> list[str]:
        """The replicas that take writes, as they were last seen, besides the one that is the primary.

        Of a group only one can commit, whatever a member says that has stood still.
        """
        writers = {n.alias: n.facts for n in known.replicas.values() if n.facts and n.facts.takes_writes}
        return [
            alias
            for alias, facts in writers.items()
            if facts.server_uuid != now.server_uuid and not (now.group and facts.group)
        ]

    def _update_primary(self, node: Node, facts: probe.Facts, *, rivals: list[str]) -> None:
        describe_semisync(node, facts)
        if moves() and self._primary_is != facts.server_uuid:
            self._primary_is, self.history = facts.server_uuid, new_history()
            lost.suspect_all()
        elif node.executed - facts.executed:  # RESET BINARY LOGS AND GTIDS
            positions.forget_all()
            self.history = new_history()
        node.facts, node.executed, node.probed_at = facts, facts.executed, time.monotonic()
        self.history.add(facts.executed, node.probed_at)
        lost.compare(facts)
        if facts.read_only:
            node.take_out("read only")
        elif rivals:
            if node.out_because != SPLIT_BRAIN:
                events.emit("split_brain", alias=node.alias, reason=f"{SPLIT_BRAIN}: {', '.join(rivals)} too")
            node.take_out(SPLIT_BRAIN)
        else:
            node.put_in()

    def _update_replica(self, node: Node, facts: probe.Facts, primary: Node) -> None:
        errant = self._is_errant(node, primary)
        node.facts, node.executed, node.probed_at = facts, facts.executed, time.monotonic()
        node.lag, node.lag_at_most = lag_of(facts, self.history, node.probed_at)
        if node.alias in self.drained.aliases:
            node.take_out(drained.REASON)
            return
        has_become_it = moves() and primary.facts and primary.facts.server_uuid == facts.server_uuid
        reason = IS_PRIMARY if has_become_it else why_out(facts, node.lag, errant=errant)
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
        foreign = bool(excess - excess.of_server(primary.facts.origin))
        node.suspect = node.suspect or foreign or now - node.ahead_since > AHEAD_SECONDS
        return node.suspect


def describe_semisync(node: Node, facts: probe.Facts) -> None:
    """An event where commits no longer wait for a replica, or do so again."""
    before = node.facts.semisync if node.facts else None
    if facts.semisync is False and before is not False:
        events.emit("semisync_degraded", alias=node.alias, reason="no replica acknowledges")
    elif facts.semisync and before is False:
        events.emit("semisync_restored", alias=node.alias)


def new_history() -> History:
    """Long enough to tell that a replica is too far behind."""
    return History(length=max(120, int(2 * conf().MAX_LAG_SECONDS / (conf().PROBE_SECONDS or 1))))


def why_out(facts: probe.Facts, lag: float, *, errant: bool) -> str | None:
    """Why a replica that answers takes no reads; None when it may."""
    state = facts.group.state if facts.group else "ONLINE"
    reasons = {
        "writable": not facts.read_only,
        f"{state.lower()} in its group": state != "ONLINE",
        "receiver stopped": not facts.receiving,
        "applier stopped": not facts.applying,
        ERRANT: errant,
        "lagging": lag > conf().MAX_LAG_SECONDS,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


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
