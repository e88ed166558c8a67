"""scripts/backup.sh and scripts/restore.sh, and an empty topology to restore into."""

import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.replication.cluster import REPLICAS, ROOT, Cluster, wait_until

BACKUP_PASSWORD = "back'up \\ 7"


def values_in(file: Path) -> dict[str, str]:
    """Of lines "NAME VALUE"."""
    return dict(line.split(maxsplit=1) for line in file.read_text().splitlines())


@dataclass
class Backup:
    path: Path
    gtids: str
    rows: set[str]  # of a replica that stopped at the backup's position


class Servers:
    """A cluster, as somebody sees it who has its addresses and its administrator's password."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster, self.directory = cluster, directory

    def __getitem__(self, node: str) -> str:
        return f"127.0.0.1:{self.port(node)}"

    def port(self, node: str) -> str:
        return values_in(self.directory / "ports")[node]

    def password(self, account: str) -> str:
        return values_in(self.directory / "passwords")[account]

    def executed(self, node: str = "primary") -> str:
        return self.cluster.query(node, "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")

    def rows(self, node: str = "primary") -> set[str]:
        """All of the service's, each with the name of its table."""
        tables = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'oms'"
        each = (
            f"SELECT '{table}', t.* FROM oms.{table} t" for table in self.cluster.query(node, tables).split()
        )
        return set(self.cluster.query(node, ";".join(each)).splitlines())

    def start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """As an operator of these servers runs it, with every password that it may want."""
        passwords = {"ADMIN_PASSWORD": self.password("root"), "BACKUP_PASSWORD": BACKUP_PASSWORD}
        return subprocess.Popen(
            [str(ROOT / "scripts" / name), *arguments],
            env={**os.environ, **passwords, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def script(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(name, *arguments, **environment) as process:
            printed, said = process.communicate(timeout=120)
            return subprocess.CompletedProcess(process.args, process.returncode, printed, said)

    def done(self, name: str, *arguments: str, **environment: str) -> str:
        """What a run that must succeed has printed."""
        ran = self.script(name, *arguments, **environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.strip()


class EmptyServers(Servers):
    """Three servers without data and without replication."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Cluster(CLUSTER_DIR=str(directory)), directory)

    def __enter__(self) -> "EmptyServers":
        self.cluster.run("up")
        for replica in REPLICAS:
            self.cluster.query(replica, "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF")
        for node in ("primary", *REPLICAS):
            self.empty(node)
        return self

    def __exit__(self, *exception: object) -> None:
        self.cluster.run("destroy")

    def empty(self, node: str = "primary") -> None:
        accounts = self.cluster.query(
            node, "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE User LIKE 'oms%'"
        )
        databases = self.cluster.query(
            node,
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN"
            " ('mysql', 'sys', 'information_schema', 'performance_schema')",
        )
        drop = [f"DROP USER {', '.join(accounts.splitlines())}"] if accounts else []
        drop += [f"DROP DATABASE {name}" for name in databases.split()]
        self.cluster.query(node, "; ".join([*drop, "RESET BINARY LOGS AND GTIDS"]))


class Supervisor:
    """Starts a server that ended again, as systemd does; a server that was cloned to ends."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._done = threading.Event()
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Supervisor":
        watched = [self.servers.cluster.pid(replica) for replica in REPLICAS]
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1] for pid in watched]
        self._threads = [
            threading.Thread(target=self._watch, args=found) for found in zip(watched, commands, strict=True)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """What was started ends here too."""
        self._done.set()
        for thread in self._threads:
            thread.join()
        for process in self._started:
            process.terminate()
            process.wait(60)

    def _watch(self, pid: int, command: list[bytes]) -> None:
        process = Path(f"/proc/{pid}/cmdline")
        while not self._done.wait(0.1):
            if not (process.exists() and process.read_bytes()):
                self._started.append(
                    subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
                return


def replica_at(servers: Servers, replica: str, gtids: str) -> None:
    """It applies up to these and stops there, wherever the others are."""
    servers.cluster.query(replica, f"START REPLICA SQL_THREAD UNTIL SQL_AFTER_GTIDS = '{gtids}'")
    equal = (
        f"GTID_SUBSET(@@GLOBAL.gtid_executed, '{gtids}') AND GTID_SUBSET('{gtids}', @@GLOBAL.gtid_executed)"
    )
    wait_until(
        lambda: servers.cluster.query(replica, f"SELECT {equal}") == "1", what=f"{replica} is at {gtids}"
    )


def program(name: str) -> str:
    """The one of MySQL's programs that the scripts use."""
    libraries = " ".join(f". scripts/lib/{library}.sh;" for library in ("common", "mysql", "backup"))
    return subprocess.run(
        ["bash", "-c", f'{libraries} find_program {name}; command -v "${name.upper()}"'],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
