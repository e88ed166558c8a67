"""A primary and two replicas whose roles change, as tests hold them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tests.replication.cluster import ROOT, Cluster, Service, wait_until
from tests.replication.history import settle
from tests.replication.operations import Ran, replication

NODES = ("primary", "replica1", "replica2")  # what they are called when they are made, and ever after
ALIASES = {f"replica{number}": node for number, node in enumerate(NODES, start=1)}  # as the service has them


def exported(text: str) -> dict[str, str]:
    """What `cluster.sh env` prints."""
    lines = (line.removeprefix("export ").partition("=") for line in text.splitlines())
    return {name: value.strip("'") for name, _, value in lines}


def migrate(**settings: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "drf_oms.settings", **settings, "REPLICA_URLS": ""}
    environment["DATABASE_URL"] = settings["MIGRATION_DATABASE_URL"]
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


class Roles(Cluster):
    """`scripts/cluster.sh` in a directory of its own; every node may become the primary.

    Its semisync does not give up on a noisy machine: what was acknowledged, a replica has.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(CLUSTER_DIR=str(directory), SEMISYNC_TIMEOUT_MS="60000")
        self.directory = directory

    def __enter__(self) -> "Roles":
        self.run("destroy")  # what a run that was killed has left
        self.run("up")
        migrate(**exported(self.run("env")))
        return self

    def __exit__(self, *exception: object) -> None:
        self.run("destroy")

    def settings(self) -> dict[str, str]:
        """For a service that finds the primary among all three, and reads each while it is a replica."""
        given = exported(self.run("env"))
        account, _, first = given["DATABASE_URL"].removesuffix("/oms").rpartition("@")
        reader = given["REPLICA_URLS"].partition("@")[0]
        others = [url.rpartition("@")[2].removesuffix("/oms") for url in given["REPLICA_URLS"].split(",")]
        hosts = [first, *others]
        return {
            "DATABASE_URL": f"{account}@{','.join(hosts)}/oms",
            "REPLICA_URLS": ",".join(f"{reader}@{host}/oms" for host in hosts),
        }

    def administrator(self) -> dict[str, str]:
        """What `promote` and `rejoin` need besides."""
        known = dict(line.split() for line in (self.directory / "passwords").read_text().splitlines())
        return {"ADMIN_PASSWORD": known["root"], "REPLICATION_PASSWORD": known["oms_repl"]}

    def operate(self, service: Service, *words: str) -> Ran:
        """`manage.py replication`, as the operators run it beside the service."""
        return replication(*words, service=service, json_too=False, **self.administrator())

    def rejoin(self, service: Service, alias: str) -> bool:
        """As a replica; whether it had to be made anew.

        A primary that died may have written what no replica received, and nobody was answered.
        """
        ran = self.operate(service, "rejoin", alias)
        diverged = ran.code == 2 and "--reseed" in ran.errors
        if diverged:
            ran = self._reseed(service, alias)
        assert ran.code == 0, ran.said + ran.errors
        return diverged

    def _reseed(self, service: Service, alias: str) -> Ran:
        """A cloned server ends, where nothing supervises it: here the test does."""
        with ThreadPoolExecutor(1) as pool:
            rejoining = pool.submit(self.operate, service, "rejoin", alias, "--reseed")
            while not rejoining.done():
                if ALIASES[alias] not in self.run("running").split():
                    self.run("start", ALIASES[alias])
                wait([rejoining], timeout=0.5)
        return rejoining.result()

    def primary(self) -> str:
        """The alias of the node that takes writes; empty while none does."""
        running = self.run("running").split()
        writers = [alias for alias, node in ALIASES.items() if node in running and self._takes_writes(node)]
        assert len(writers) < 2, f"two nodes take writes: {writers}"
        return writers[0] if writers else ""

    def _takes_writes(self, node: str) -> bool:
        return self.query(node, "SELECT @@GLOBAL.super_read_only") == "0"

    def settle(self) -> None:
        """Until all nodes have what the primary has."""
        settle(self, ALIASES[self.primary()], NODES)


def in_service(service: Service, aliases: set[str]) -> bool:
    """Whether each worker reads from these, as far as ten answers tell."""
    for _ in range(10):
        answer = service.ready()
        ok = {alias for alias, node in answer["nodes"].items() if node["status"] == "ok"}
        if ok != aliases | {"default"}:
            return False
    return True


def wait_until_in_service(service: Service, roles: Roles) -> None:
    replicas = set(ALIASES) - {roles.primary()}
    wait_until(lambda: in_service(service, replicas), what=f"{replicas} are in service")
