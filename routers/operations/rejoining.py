"""A server that was the primary, or was away, becomes a replica of the primary that there is now."""

from collections.abc import Iterator

from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers.conf import conf
from routers.operations.administrator import NotPossible, Server, await_true
from routers.operations.promotion import READ_ONLY, Topology, following
from routers.operations.steps import Step

CATCH_UP_SECONDS = 600
SEED_SECONDS = 3600
RESTART = {3707, 2013, 2006, 2055}  # a cloned server restarts, or ends where nobody would start it again


def rejoin(alias: str, *, reseed: bool = False) -> Iterator[Step]:
    """The steps. Raises `NotPossible`, with the GTIDs where the server has what the primary never had."""
    topology = Topology.read()
    if alias not in topology.servers:
        raise NotPossible(f"'{alias}' is no node. The nodes are: {', '.join(topology.servers)}")
    server, primary = topology.servers[alias], topology.old
    if primary is None:
        raise NotPossible("no server takes writes: promote one first")
    if server is primary:
        raise NotPossible(f"{server} is the primary")
    if not server.answers():
        raise NotPossible(f"{server} does not answer: start it, with --super-read-only=ON, and try again")
    if primary.group_state() is not None:
        # One in ERROR counts as running, and has to stop first.
        join = ["STOP GROUP_REPLICATION", "START GROUP_REPLICATION"]
        yield Step(server, "join the group", join, ["STOP GROUP_REPLICATION"])
        return
    yield Step(server, "take no writes", READ_ONLY)
    semisync = primary.wants_semisync()
    errant = server.gtids() - primary.gtids()
    if errant and not reseed:
        raise NotPossible(
            f"{server} has {errant.count()} transactions that {primary} never had: {errant}. Look at them"
            " there (mysqlbinlog --include-gtids), repeat by hand what matters, then say --reseed: the server"
            " is made anew from the primary"
        )
    if errant:
        yield from _cloned(server, primary)
    yield from following(server, primary, semisync=semisync)
    yield Step(server, "catch up", action=lambda: server.wait_for(primary.gtids(), CATCH_UP_SECONDS))


def _cloned(server: Server, donor: Server) -> Iterator[Step]:
    """What was there is gone then: hence only when asked for.

    Cloning drops databases, which super_read_only forbids (1290); read_only stays, and keeps others out.
    """
    host, port = donor.address
    user, password = conf().ADMIN_USER, conf().ADMIN_PASSWORD
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    valid = f"SET GLOBAL clone_valid_donor_list = '{host}:{port}'"
    clone = f"CLONE INSTANCE FROM '{user}'@'{host}':{port} IDENTIFIED BY '{quoted}'"
    yield Step(
        server,
        f"be a copy of {donor}",
        ["STOP REPLICA", "SET GLOBAL super_read_only = OFF", valid],
        action=lambda: _clone(server, clone),
    )
    yield Step(server, "be there again", action=lambda: _await_restart(server))


def _clone(server: Server, statement: str) -> None:
    try:
        server.run(statement)
    except MySQLError as error:
        if error.args[0] not in RESTART:
            raise
    server.close()


def _await_restart(server: Server) -> None:
    await_true(
        server.answers,
        seconds=SEED_SECONDS,
        otherwise=f"{server} has not come back: start it, and `rejoin {server.alias}` goes on from there",
    )
