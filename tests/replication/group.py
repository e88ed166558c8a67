"""A real group of three nodes that elect their primary, as tests hold it."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.replication.cluster import Cluster, wait_until

NODES = ("node1", "node2", "node3")
CAN_PARTITION = os.geteuid() == 0 and shutil.which("ip") is not None  # network namespaces are root's

# The group suspects a node after 5 silent seconds, and looks every few; a noisy machine adds its own.
ELECTION_SECONDS = 30
REJOIN_SECONDS = 90


class Member(NamedTuple):
    """What a node says of one member; `state` and `role` are MySQL's words."""

    state: str
    role: str


class Group(Cluster):
    """`scripts/cluster.sh --group` in a directory of its own, beside the cluster of the test run.

    As root each node has a network namespace, which is what `partitioned` needs.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(CLUSTER_DIR=str(directory))
        self.silent: set[str] = set()  # the nodes that are not to be asked: they would not answer

    def __enter__(self) -> "Group":
        self.run("destroy")  # what a run that was killed has left
        self.up()
        return self

    def __exit__(self, *exception: object) -> None:
        self.run("destroy")

    def up(self) -> None:
        self.run("up", "--group", *(["--namespaces"] if CAN_PARTITION else []))
        rows = (row.split() for row in self.run("status").splitlines()[1:])
        self.names = {row[2]: row[0] for row in rows}  # by host:port

    def settings(self) -> dict[str, str]:
        """What `env` prints, for a `Service` on this group."""
        lines = (line.removeprefix("export ") for line in self.run("env").splitlines())
        return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}

    def view(self, node: str) -> dict[str, Member]:
        """The group in this node's eyes, by node; a node that stands alone or lags may be mistaken."""
        rows = self.query(
            node,
            "SELECT CONCAT(MEMBER_HOST, ':', MEMBER_PORT), MEMBER_STATE, MEMBER_ROLE"
            " FROM performance_schema.replication_group_members WHERE MEMBER_ID <> ''",
        )
        # One that is being expelled has no role, and the last tab is stripped.
        members = ([*row.split("\t"), ""][:3] for row in rows.splitlines())
        return {self.names[address]: Member(state, role) for address, state, role in members}

    def primary(self) -> str:
        """The node that more than half of the nodes call their ONLINE primary; empty while there is none.

        One that was frozen or cut off goes on calling itself so for seconds: it has one vote.
        """
        votes = Counter(
            name
            for node in NODES
            if node not in self.silent
            for name, member in self.view(node).items()
            if member == Member("ONLINE", "PRIMARY")
        )
        name, count = next(iter(votes.most_common(1)), ("", 0))
        return name if count * 2 > len(NODES) else ""

    def wait_for_primary(self, *, other_than: str = "", seconds: float = ELECTION_SECONDS) -> str:
        """The primary, once there is one that takes writes."""

        def elected() -> str:
            name = self.primary()
            return name if name != other_than and name and self.takes_writes(name) else ""

        return wait_until(elected, what=f"a primary other than {other_than!r}", seconds=seconds)

    def takes_writes(self, node: str) -> bool:
        return self.query(node, "SELECT @@GLOBAL.super_read_only") == "0"

    def is_whole(self) -> bool:
        """Every node sees all three ONLINE."""
        views = [self.view(node) for node in NODES]
        return all(len(view) == 3 and {m.state for m in view.values()} == {"ONLINE"} for view in views)

    def wait_until_whole(self) -> None:
        wait_until(self.is_whole, what="all three nodes are members again", seconds=REJOIN_SECONDS)

    # Each of these but `cut_off` leaves the group whole: by itself where it can, else by `start`, as an
    # operator would.

    @contextmanager
    def killed(self, node: str) -> Iterator[None]:
        """The node's server ends at once (SIGKILL), and is started afterwards."""
        with self._silenced(node):
            self.run("kill", node)
            yield
            self.run("start", node)
        self.wait_until_whole()

    @contextmanager
    def frozen(self, node: str) -> Iterator[None]:
        """The node stands still (SIGSTOP); afterwards it notices that it was expelled, and joins again."""
        with self._silenced(node):
            self.run("freeze", node)
            try:
                yield
            finally:
                self.run("thaw", node)
        self.wait_until_whole()

    @contextmanager
    def partitioned(self, node: str) -> Iterator[None]:
        """The node and the other two cannot reach each other; clients reach all three."""
        with self.cut_off(node):
            yield
        self.run("start", node)
        self.wait_until_whole()

    @contextmanager
    def cut_off(self, node: str) -> Iterator[None]:
        """As `partitioned`, but the group is left as it is."""
        self.run("cut", node)
        try:
            yield
        finally:
            self.run("mend", node)

    @contextmanager
    def _silenced(self, node: str) -> Iterator[None]:
        self.silent.add(node)
        try:
            yield
        finally:
            self.silent.discard(node)
