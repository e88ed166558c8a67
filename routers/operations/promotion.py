"""Another primary: planned, with nothing lost; or after the death of the old one.

The old primary is fenced before the new one takes writes, so that never two do. Replicas are pointed at the
new one while it is still read only: under semisync its first commit would wait for them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import primary, probe
from routers.conf import conf
from routers.gtid import GTIDSet
from routers.operations.administrator import NotPossible, Server
from routers.operations.steps import Step

CATCH_UP_SECONDS = 60  # before anything is fenced
FENCED_SECONDS = 5  # while writes wait
# Waits for statements and commits that run; not for ever, for all others wait for it.
READ_ONLY = ["SET SESSION lock_wait_timeout = 5", "SET PERSIST super_read_only = ON"]
WRITABLE = ["SET PERSIST super_read_only = OFF", "SET PERSIST read_only = OFF"]


@dataclass
class Topology:
    """The servers by alias: `old`, the primary; None while none takes writes."""

    servers: dict[str, Server]
    old: Server | None

    @classmethod
    def read(cls) -> "Topology":
        servers = {alias: Server(alias) for alias in conf().weights}
        known = primary.known()
        return cls(servers, next((each for each in servers.values() if each.address == known), None))

    def candidate(self, alias: str) -> Server:
        """Raises `NotPossible` for one that the service would not find."""
        if alias not in self.servers:
            raise NotPossible(f"'{alias}' is no node. The nodes are: {', '.join(self.servers)}")
        server = self.servers[alias]
        if server.address not in primary.hosts():
            raise NotPossible(
                f"the service would not find {server}: name all servers that may become the primary in"
                " DATABASE_URL, as mysql://account@one:3306,two:3306/database"
            )
        return server

    def followers(self, *besides: Server | None) -> list[Server]:
        """The servers that answer, besides these."""
        return [server for server in self.servers.values() if server not in besides and server.answers()]


def planned(alias: str) -> Iterator[Step]:
    """The steps to another primary while the old one serves. Raises `NotPossible`, and `MySQLdb.Error`."""
    topology = Topology.read()
    new, old = topology.candidate(alias), topology.old
    if old is None:
        raise NotPossible("no server takes writes: is the primary dead? then use --dead")
    if old is new:
        raise NotPossible(f"{new} is the primary already")
    if new.group_state() is not None:
        yield Step(new, "let the group elect it", [_elect(new)], [_elect(old)])
        return
    others = topology.followers(old, new)
    yield from _checked(new, old)
    semisync = old.wants_semisync()

    yield Step(old, "take no more writes", READ_ONLY, WRITABLE, reversible=True)
    yield Step(
        new,
        "have all that the old primary has",
        action=lambda: new.wait_for(old.gtids(), FENCED_SECONDS),
        reversible=True,
    )
    yield from _take_over(new, others, semisync=semisync, undo_to=old)
    yield from following(old, new, semisync=semisync)


def _elect(server: Server) -> str:
    return f"SELECT group_replication_set_as_primary('{server.value('@@GLOBAL.server_uuid')}')"


def _checked(new: Server, old: Server) -> Iterator[Step]:
    """What would make the swap slow, or lose something, is found before anything is changed."""
    facts = probe.ask(new.alias, conf().PROBE_TIMEOUT_SECONDS)
    if not (facts.receiving and facts.applying):
        raise NotPossible(f"{new} does not replicate: see `manage.py replication status`")
    if errant := facts.executed - old.gtids():
        foreign = errant - errant.of_server(old.value("@@GLOBAL.server_uuid"))
        if foreign:
            raise NotPossible(f"{new} has transactions that {old} never had: {foreign}")
    yield Step(new, "be in step", action=lambda: new.wait_for(old.gtids(), CATCH_UP_SECONDS), reversible=True)


def unplanned(alias: str | None, *, accept_loss: bool = False) -> Iterator[Step]:
    """The steps after the death of the primary: to this server, or to the one that has most.

    Raises `NotPossible` where the old one still answers, or another server has transactions that the chosen
    one lacks (unless `accept_loss`).
    """
    topology = Topology.read()
    if topology.old is not None:
        raise NotPossible(f"{topology.old} takes writes: leave out --dead")
    alive = topology.followers()
    has = {server.alias: server.gtids() | server.received() for server in alive}
    if not alive:
        raise NotPossible("no server answers")
    best = max(alive, key=lambda server: has[server.alias].count())
    new = topology.candidate(alias or best.alias)
    if new not in alive:
        raise NotPossible(f"{new} does not answer")
    _refuse_loss(new, {server: has[server.alias] for server in alive}, accept_loss=accept_loss)

    received = has[new.alias]
    yield Step(new, "receive nothing more", ["STOP REPLICA IO_THREAD"], ["START REPLICA IO_THREAD"])
    yield Step(new, "apply what it has received", action=lambda: new.wait_for(received, CATCH_UP_SECONDS))
    others = [server for server in alive if server is not new]
    yield from _take_over(new, others, semisync=_knows_semisync(new), undo_to=None)


def _refuse_loss(new: Server, has: dict[Server, GTIDSet], *, accept_loss: bool) -> None:
    for server, gtids in has.items():
        lacking = gtids - has[new]
        if lacking and not accept_loss:
            raise NotPossible(
                f"{server} has {lacking.count()} transactions that {new} lacks: {lacking}."
                f" Promote {server.alias}, or say --accept-loss"
            )


def _knows_semisync(server: Server) -> bool:
    """The dead primary cannot be asked: a replica that acknowledges was asked to by it."""
    rows = server.run("SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync_replica_enabled'")
    return bool(rows) and rows[0][1] == "ON"


def _take_over(
    new: Server, others: list[Server], *, semisync: bool, undo_to: Server | None
) -> Iterator[Step]:
    """The others follow first; from `WRITABLE` on there is no way back but another promotion."""
    for other in others:
        yield Step(
            other,
            f"follow {new}",
            ["STOP REPLICA", _source(new), "START REPLICA"],
            ["STOP REPLICA", _source(undo_to), "START REPLICA"] if undo_to else [],
            reversible=undo_to is not None,
        )
    roles = _semisync(source="ON", replica="OFF") if semisync else []
    yield Step(
        new,
        "take writes",
        ["STOP REPLICA", "RESET REPLICA ALL", *roles, *WRITABLE],
        READ_ONLY,
    )


def following(server: Server, new: Server, *, semisync: bool) -> Iterator[Step]:
    """The steps by which a server that has nothing of its own becomes a replica of the primary."""
    user, password = conf().REPLICATION_USER, conf().REPLICATION_PASSWORD
    if not password:
        raise NotPossible(
            "set REPLICATION_PASSWORD (and REPLICATION_USER, if it is not oms_repl): a server that was the"
            " primary knows no account to replicate with"
        )
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    roles = _semisync(source="OFF", replica="ON") if semisync else []
    source = (
        f"{_source(new)}, SOURCE_USER = '{user}', SOURCE_PASSWORD = '{quoted}', SOURCE_SSL = 1,"
        " SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000000"
    )
    yield Step(
        server,
        f"follow {new}",
        [*READ_ONLY, *roles, "STOP REPLICA", source, "START REPLICA"],
        ["STOP REPLICA", "RESET REPLICA ALL"],
        secrets=(quoted,),
    )


def _semisync(*, source: str, replica: str) -> list[str]:
    return [
        f"SET PERSIST rpl_semi_sync_source_enabled = {source}",
        f"SET PERSIST rpl_semi_sync_replica_enabled = {replica}",
    ]


def _source(server: Server) -> str:
    host, port = server.address
    return f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = {port}"


def await_primary() -> None:
    """Until this process finds the new one. Raises `NotPossible`."""
    try:
        primary.find(conf().PROBE_TIMEOUT_SECONDS)
    except MySQLError as error:
        raise NotPossible(f"'{DEFAULT_DB_ALIAS}' finds no primary: {error}") from error
