"""scripts/restore.sh with binary logs: as far as asked, to the transaction, and no further."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from tests.replication.backup.servers import Backup, EmptyServers

pytestmark = pytest.mark.cluster


@dataclass
class Accident:
    """Rows 1 and 2, an hour that is noted, all rows deleted, and row 3 after that; and the logs of it."""

    binlogs: Path
    noted: datetime
    inserted: str  # GTIDs
    deleted: str
    at_the_end: str
    rows: set[str]  # of all tables at the end


TABLE = "oms.test_accident"


@pytest.fixture(scope="module")
def accident(source, backup, tmp_path_factory) -> Iterator[Accident]:
    """In several log files, which are archived in two goes."""
    binlogs = tmp_path_factory.mktemp("binlogs")
    primary = partial(source.cluster.query, "primary")

    def committed(sql: str) -> str:
        before = source.executed()
        primary(sql)
        return primary(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{before}')")

    primary(f"CREATE TABLE {TABLE} (id INT PRIMARY KEY, note TEXT); FLUSH BINARY LOGS")
    source.done("backup.sh", "--binlogs", source["primary"], str(binlogs))
    inserted = committed(f"INSERT INTO {TABLE} VALUES (1, '\\r\\n\\0머그'), (2, NULL)")
    noted = datetime.fromisoformat(primary("SELECT UTC_TIMESTAMP(6)")).replace(tzinfo=UTC)
    primary("FLUSH BINARY LOGS")
    deleted = committed(f"DELETE FROM {TABLE}")
    primary(f"INSERT INTO {TABLE} VALUES (3, 'later')")
    source.done("backup.sh", "--binlogs", source["primary"], str(binlogs))
    yield Accident(binlogs, noted, inserted, deleted, source.executed(), source.rows())
    primary(f"DROP TABLE {TABLE}")
    source.cluster.wait_for_replicas()


def recovered(target: EmptyServers) -> list[str]:
    return target.cluster.query("primary", f"SELECT id FROM {TABLE} ORDER BY id").split()


def recover(target: EmptyServers, backup: Backup, *options: str) -> str:
    return target.done("restore.sh", *options, str(backup.path), target["primary"])


def test_a_delete_is_undone_by_going_up_to_it(source, backup, accident, target):
    """From the live source's own logs; the position is all that was committed before it, and nothing else."""
    recover(target, backup, "--before-gtid", accident.deleted, "--binlogs-from", source["primary"])

    assert recovered(target) == ["1", "2"]
    number = int(accident.deleted.rpartition(":")[2])
    assert target.executed() == f"{accident.deleted.rpartition(':')[0]}:1-{number - 1}"


def test_a_time_is_kept_to_between_two_transactions(backup, accident, target):
    """Told in another zone, nine hours to the east."""
    there = accident.noted.astimezone(timezone(timedelta(hours=9)))
    recover(target, backup, "--until-time", there.isoformat(), "--binlogs", str(accident.binlogs))

    assert recovered(target) == ["1", "2"]


def test_a_gtid_is_the_last_one(backup, accident, target):
    recover(target, backup, "--until-gtid", accident.deleted, "--binlogs", str(accident.binlogs))

    assert recovered(target) == []
    assert target.executed().endswith(f"-{accident.deleted.rpartition(':')[2]}")


def test_without_an_end_it_is_all_that_the_source_had(backup, accident, target):
    """Row by row, with what was written after the backup; from logs that the archive has in two goes."""
    recover(target, backup, "--binlogs", str(accident.binlogs))

    assert target.executed() == accident.at_the_end
    assert target.rows() == accident.rows


def test_a_dry_run_tells_where_it_would_end_and_changes_nothing(backup, accident, target):
    """A time without a zone is UTC."""
    noted = accident.noted.strftime("%Y-%m-%d %H:%M:%S.%f")
    said = recover(target, backup, "--dry-run", "--until-time", noted, "--binlogs", str(accident.binlogs))

    assert f"left out, first: {accident.deleted}," in said
    assert (target.executed(), target.rows()) == ("", set())


@pytest.mark.parametrize("missing", [slice(-2), slice(-2, -1)], ids=["beginning", "middle"])
def test_a_missing_log_is_a_gap_that_is_named(backup, accident, target, tmp_path, missing):
    copy = shutil.copytree(accident.binlogs, tmp_path / "binlogs")
    for log in sorted(copy.glob("binlog.*"))[missing]:
        log.unlink()
    ran = target.script("restore.sh", "--binlogs", str(copy), str(backup.path), target["primary"])

    assert ran.returncode == 1
    assert "neither in the backup nor in the binary logs: " in ran.stderr
    assert accident.inserted.partition(":")[0] in ran.stderr
    assert target.executed() == ""


def test_a_log_that_breaks_off_is_refused_unless_all_that_is_wanted_comes_before(
    backup, accident, target, tmp_path
):
    copy = shutil.copytree(accident.binlogs, tmp_path / "binlogs")
    last = sorted(copy.glob("binlog.*"))[-1]
    last.write_bytes(last.read_bytes()[:-20])
    ran = target.script("restore.sh", "--binlogs", str(copy), str(backup.path), target["primary"])
    assert ran.returncode == 1
    assert "cannot be read" in ran.stderr

    recover(target, backup, "--until-gtid", accident.inserted, "--binlogs", str(copy))
    assert recovered(target) == ["1", "2"]


def test_what_the_backup_has_cannot_be_left_out(backup, accident, target):
    source, _, numbers = backup.gtids.partition(":")
    inside = f"{source}:{numbers.rpartition('-')[2]}"
    for options in (("--before-gtid", inside), ("--until-time", "2020-01-01")):
        ran = target.script(
            "restore.sh", *options, "--binlogs", str(accident.binlogs), str(backup.path), target["primary"]
        )
        assert ran.returncode == 1
        assert "take an older one" in ran.stderr
        assert target.executed() == ""


def test_a_gtid_that_nobody_has_is_said(backup, accident, target):
    unknown = "00000000-0000-0000-0000-000000000001:5"
    ran = target.script(
        "restore.sh",
        "--until-gtid",
        unknown,
        "--binlogs",
        str(accident.binlogs),
        str(backup.path),
        target["primary"],
    )

    assert ran.returncode == 1
    assert f"do not have {unknown}" in ran.stderr


def test_an_archive_belongs_to_one_server(source, accident):
    ran = source.script("backup.sh", "--binlogs", source["replica1"], str(accident.binlogs))

    assert ran.returncode == 1
    assert "binary logs of another server" in ran.stderr
