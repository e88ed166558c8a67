"""One node: what is known of it, and whether it may take reads."""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from routers import events
from routers.gtid import GTIDSet
from routers.probe import Facts

# Set when a node was lost: the prober looks again at once, for it may have been one connection only.
look_again = threading.Event()
LOOK_AGAIN_SECONDS = 0.1  # how often whoever waits for a node has it looked at


@dataclass
class Node:
    """The primary or a replica, as this process knows it. Written by the prober, read by all threads.

    `executed` never says too much: it is what a probe or a successful wait has shown.
    `out_because` is None while the node is in service. `incarnation` counts how often the node was
    lost: connections from before are not used again. A `suspect` contains what the primary never had,
    or had under the same numbers as something else; `ahead_since` (monotonic) it has had more. It is out
    since `out_since` (monotonic).
    """

    alias: str
    weight: float = 1.0
    executed: GTIDSet = field(default_factory=GTIDSet)
    facts: Facts | None = None
    probed_at: float = 0.0
    lag: float = 0.0
    lag_at_most: float = 0.0
    out_because: str | None = None
    outstanding: int = 0
    incarnation: int = 0
    ahead_since: float | None = None
    suspect: bool = False
    out_since: float = 0.0
    _change: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def in_service(self) -> bool:
        return self.out_because is None

    def answers(self) -> bool:
        """Whether it may be asked, though perhaps not for reads that must be fresh."""
        return self.in_service() or self.facts is not None

    def contains(self, gtids: GTIDSet) -> bool:
        return self.executed.contains(gtids)

    def staleness(self) -> float:
        """How old, in seconds, its answers may be: as far behind as at the last look, and older since."""
        return self.lag_at_most + (time.monotonic() - self.probed_at if self.probed_at else 0.0)

    def learn(self, gtids: GTIDSet) -> None:
        """A wait has shown that the node contains these."""
        self.executed = self.executed | gtids

    def take_out(self, reason: str) -> bool:
        """No reads from here on; answers whether there were any before."""
        was_in, self.out_because = self.out_because is None, reason
        if was_in:
            self.out_since = time.monotonic()
            events.emit("node_out", alias=self.alias, reason=reason)
        return was_in

    def lose(self, reason: str) -> bool:
        """It does not answer: no reads, and no more use of the connections to it."""
        self.incarnation += 1  # also when it was out: connections from before it went out are still open
        try:
            return self.take_out(reason)
        finally:
            look_again.set()

    def put_in(self) -> None:
        if self.out_because is not None:
            events.emit("node_in", alias=self.alias, reason=self.out_because)
        with self._change:
            self.out_because = None
            self._change.notify_all()

    def await_service(self, until: float) -> bool:
        """Whether it takes reads, or of the primary writes, at this moment (monotonic) or before."""
        with self._change:
            while self.out_because is not None and (left := until - time.monotonic()) > 0:
                look_again.set()
                self._change.wait(min(left, LOOK_AGAIN_SECONDS))
            return self.out_because is None


class History:
    """What the primary had committed at the latest probes: to date what a replica contains."""

    def __init__(self, length: int = 120) -> None:
        self._samples: deque[tuple[float, GTIDSet]] = deque(maxlen=length)

    def add(self, executed: GTIDSet, at: float) -> None:
        self._samples.append((at, executed))

    def behind(self, executed: GTIDSet, now: float) -> tuple[float, float]:
        """For how many seconds the primary has had something that these do not contain: at least, at most.

        It came between the newest sample that they contain and the next one.
        """
        missed_since = now
        for at, sample in reversed(self._samples):
            if executed.contains(sample):
                return now - missed_since, (now - at if missed_since != now else 0.0)
            missed_since = at
        return now - missed_since, math.inf

    def newest_in(self, gtids: GTIDSet) -> bool:
        """Whether these contain all that the primary had at the latest look."""
        return not self._samples or gtids.contains(self._samples[-1][1])


def lag_of(facts: Facts, history: History, now: float) -> tuple[float, float]:
    """How far a replica is behind, in seconds: at least, at most.

    The applier's time stamps tell it to the millisecond while it applies; when it does not receive, or
    holds transactions back (SOURCE_DELAY), only our own looks at the primary do.
    """
    at_least, at_most = history.behind(facts.executed, now)
    if at_most == 0.0:
        return 0.0, 0.0
    if (
        at_most == math.inf
        and facts.behind is None
        and not history.newest_in(facts.executed | facts.received)
    ):
        return math.inf, math.inf  # it lacks more than we have seen happen, and does not apply it either
    applying = facts.behind or 0.0
    return max(at_least, applying), max(at_most, applying)
