"""scripts/restore.sh: the source as it was at the backup's position, elsewhere; and what it refuses."""

import os
import shutil
from pathlib import Path

import pytest

from tests.replication.backup.servers import Supervisor, values_in
from tests.replication.cluster import REPLICAS
from tests.replication.operations import replication

pytestmark = pytest.mark.cluster


def test_a_backup_under_load_restored_elsewhere_is_what_the_source_was(source, backup, target):
    """Row by row at its position; the service's accounts work, and `verify` finds the nodes equal."""
    for replica in REPLICAS:
        target.empty(replica)
    with Supervisor(target):
        servers = [target[node] for node in ("primary", *REPLICAS)]
        target.done(
            "restore.sh", str(backup.path), *servers, REPLICATION_PASSWORD=source.password("oms_repl")
        )
        restored = target.rows()

        ran = replication(
            "verify",
            DATABASE_URL=moved(os.environ["SERVICE_DATABASE_URL"], target["primary"]),
            REPLICA_URLS=",".join(
                moved(url, target[replica])
                for url, replica in zip(os.environ["REPLICA_URLS"].split(","), REPLICAS, strict=True)
            ),
        )

    assert restored == backup.rows
    assert source.rows() != restored, "nothing was written after the backup"
    assert (ran.code, ran.facts["drift"], ran.facts["unknown"]) == (0, {}, []), ran.errors
    assert ran.facts["compared"]["orders_order"] > 0


def moved(url: str, server: str) -> str:
    head, _, tail = url.partition("@")
    return f"{head}@{server}/{tail.partition('/')[2]}"


# --- what is refused --------------------------------------------------------


def damage_dump(backup: Path) -> None:
    dump = backup / values_in(backup / "manifest")["dump"]
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


def forget_accounts(backup: Path) -> None:
    (backup / "accounts.sql").unlink()


def cut_sums(backup: Path) -> None:
    sums = backup / "SHA256SUMS"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:1]))


def change_position(backup: Path) -> None:
    manifest = backup / "manifest"
    manifest.write_text(manifest.read_text().replace("gtid_executed ", "gtid_executed 0"))


@pytest.mark.parametrize("damage", [damage_dump, forget_accounts, cut_sums, change_position])
def test_a_damaged_backup_is_refused(backup, target, tmp_path, damage):
    copy = shutil.copytree(backup.path, tmp_path / "copy")
    target.done("backup.sh", "--verify", str(copy))
    damage(copy)

    for name, arguments in (("backup.sh", ["--verify"]), ("restore.sh", [])):
        ran = target.script(
            name, *arguments, str(copy), *([target["primary"]] if name == "restore.sh" else [])
        )
        assert ran.returncode == 1
        assert "is damaged" in ran.stderr
    assert (target.executed(), target.rows()) == ("", set())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("SET sql_log_bin = OFF; CREATE DATABASE oms", "it has databases (oms)"),
        ("CREATE USER oms_somebody", "it has transactions of its own"),
    ],
)
def test_a_server_that_is_not_empty_is_refused(backup, target, content, why):
    target.cluster.query("primary", content)
    ran = target.script("restore.sh", str(backup.path), target["primary"])

    assert ran.returncode == 1
    assert f"is not empty: {why}" in ran.stderr
    assert target.rows() == set()
