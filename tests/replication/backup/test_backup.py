"""scripts/backup.sh: what it makes while the service works, and when it makes nothing."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.replication.backup.servers import BACKUP_PASSWORD, Servers, program, values_in
from tests.replication.cluster import ROOT, wait_until
from tests.replication.operations import replication

pytestmark = pytest.mark.cluster


def test_a_backup_leaves_no_trace_on_its_replica(source, backup):
    """No transaction of its own, and nothing held."""
    status = replication("status")
    held = source.cluster.query(
        "replica1", "SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'BACKUP LOCK'"
    )

    assert (status.code, held) == (0, "0"), status.facts


def test_only_its_owner_reads_a_backup(backup):
    modes = {path.name: path.stat().st_mode & 0o777 for path in (backup.path, *backup.path.iterdir())}

    assert modes.pop(backup.path.name) == 0o700
    assert set(modes.values()) == {0o600}
    assert modes.keys() == {
        "manifest",
        "SHA256SUMS",
        "accounts.sql",
        values_in(backup.path / "manifest")["dump"],
    }


# --- a backup that is not made ----------------------------------------------


@pytest.fixture
def instead(tmp_path) -> Callable[[str, str], str]:
    """A program that takes the place of another one; `then` is what it does, with REAL for that."""

    def make(name: str, then: str) -> str:
        real = program(name)
        replacement = tmp_path / f"instead-of-{name}"
        replacement.write_text(
            f'#!/bin/bash\n[[ "$*" != *--version* ]] || exec "{real}" "$@"\nREAL={real}\n{then}\n'
        )
        replacement.chmod(0o700)
        return str(replacement)

    return make


def test_a_dump_that_breaks_off_leaves_nothing(source, instead, tmp_path):
    """And the replica goes on."""
    broken = instead("mysqldump", '"$REAL" "$@" | head --bytes=2000; exit 3')
    ran = source.script("backup.sh", source["replica1"], str(tmp_path / "backups"), MYSQLDUMP=broken)

    assert ran.returncode == 1
    assert "mysqldump failed" in ran.stderr
    assert list((tmp_path / "backups").iterdir()) == []
    source.cluster.wait_for_replicas()


def test_no_password_is_on_a_command_line(source, instead, tmp_path):
    seen = tmp_path / "seen"
    recorders = {
        name.upper(): instead(name, f'printf "%s\\n" "$0 $*" >>"{seen}"; exec "$REAL" "$@"')
        for name in ("mysql", "mysqldump", "mysqlbinlog")
    }
    made = source.done("backup.sh", source["replica1"], str(tmp_path / "backups"), **recorders)
    source.done("backup.sh", "--binlogs", source["replica1"], str(tmp_path / "binlogs"), **recorders)

    said = seen.read_text() + Path(made, "manifest").read_text()
    assert all(f"instead-of-{name}" in said for name in ("mysql ", "mysqldump ", "mysqlbinlog "))
    assert BACKUP_PASSWORD not in said


@contextmanager
def a_long_query(source: Servers, node: str) -> Iterator[None]:
    query = "SELECT SLEEP(60) FROM oms.django_migrations LIMIT 1"
    running = f"SELECT ID FROM information_schema.PROCESSLIST WHERE INFO = '{query}'"
    command = [str(ROOT / "scripts" / "cluster.sh"), "mysql", node, "-e", query]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        number = wait_until(lambda: source.cluster.query(node, running), what="the query runs")
        try:
            yield
            assert client.poll() is None
        finally:
            source.cluster.query(node, f"KILL {number}")
            client.wait(30)


def test_a_query_that_runs_long_on_a_replica_delays_neither_the_backup_nor_others(source, tmp_path):
    with a_long_query(source, "replica1"):
        source.done("backup.sh", "--lock-timeout", "5", source["replica1"], str(tmp_path))
        assert int(source.cluster.query("replica1", "SELECT COUNT(*) FROM oms.django_migrations")) > 0


def test_a_primary_is_backed_up_at_its_position_too(source, tmp_path):
    made = source.done("backup.sh", source["primary"], str(tmp_path))

    assert values_in(Path(made, "manifest"))["gtid_executed"] == source.executed()


def test_a_query_that_runs_long_on_a_primary_stops_the_backup(source, tmp_path):
    with a_long_query(source, "primary"):
        ran = source.script("backup.sh", "--lock-timeout", "1", source["primary"], str(tmp_path))

    assert ran.returncode == 1
    assert "Lock wait timeout exceeded" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_rows_go_on_and_tables_wait_while_a_replica_is_read(source, instead, tmp_path):
    """The replica applies a migration once the backup has ended; other replicas do not wait."""
    begun, go_on = tmp_path / "begun", tmp_path / "go-on"
    slow = instead(
        "mysqldump",
        f'"$REAL" "$@" | (touch {begun}; until [[ -e {go_on} ]]; do sleep 0.05; done; cat)',
    )
    primary, replica1, replica2 = (
        partial(source.cluster.query, node) for node in ("primary", "replica1", "replica2")
    )
    tables = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'test_backup%'"
    primary("CREATE TABLE oms.test_backup_rows (id INT PRIMARY KEY)")
    with source.start("backup.sh", source["replica1"], str(tmp_path), MYSQLDUMP=slow) as backup:
        try:
            wait_until(begun.exists, what="the backup has begun")
            primary("INSERT INTO oms.test_backup_rows VALUES (1)")
            wait_until(lambda: replica1("SELECT id FROM oms.test_backup_rows"), what="replica1 has the row")
            primary("CREATE TABLE oms.test_backup_more (id INT PRIMARY KEY)")
            wait_until(lambda: replica2(tables) == "2", what="replica2 has the table")
            assert replica1(tables) == "1"
        finally:
            go_on.touch()
        _, said = backup.communicate(timeout=60)
    assert backup.returncode == 0, said
    source.cluster.wait_for_replicas()
    assert replica1(tables) == "2"
    primary("DROP TABLE oms.test_backup_rows, oms.test_backup_more")
    source.cluster.wait_for_replicas()


def test_a_backup_that_is_ended_leaves_a_replica_that_applies(source, instead, tmp_path):
    """At its worst moment: commits are stopped, and the snapshot is not taken yet."""
    applier = partial(
        source.cluster.query,
        "replica1",
        "SELECT SERVICE_STATE FROM performance_schema.replication_applier_status",
    )
    hanging = instead("mysqldump", "exec sleep 60")
    with source.start(
        "backup.sh", source["replica1"], str(tmp_path / "backups"), MYSQLDUMP=hanging
    ) as backup:
        wait_until(lambda: applier() == "OFF", what="the replica applies nothing")
        backup.terminate()
        backup.communicate(timeout=30)

    assert backup.returncode != 0
    assert applier() == "ON"
    assert list((tmp_path / "backups").iterdir()) == []
