"""scripts/systemd/, as systemd itself reads it; tests/replication/test_nginx.py runs what is in it"""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from drf_oms import gunicorn
from tests.programs import required

UNITS = settings.BASE_DIR / "scripts" / "systemd"
VENV = "/opt/drf-oms/.venv/bin"


def analyzed(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [required("systemd-analyze", package="systemd"), "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def units(tmp_path) -> Path:
    """Copies whose programs are there on this machine too: systemd looks for them."""
    for unit in UNITS.glob("drf-oms*"):
        here = unit.read_text().replace(VENV, str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(here)
    return tmp_path


def test_systemd_finds_no_fault(units):
    ran = analyzed("verify", "--man=no", *sorted(units.iterdir()))

    assert len(list(units.iterdir())) == 3
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ProtectSystem=strict", "ProtectSystem=strictly"),
        ("KillMode=mixed", "KilMode=mixed"),
        ("Requires=drf-oms.socket", "Requires=drf_oms.socket"),
    ],
)
def test_a_fault_is_found(units, right, wrong):
    unit = units / "drf-oms.service"
    assert right in unit.read_text()
    unit.write_text(unit.read_text().replace(right, wrong))
    ran = analyzed("verify", "--man=no", unit)

    assert ran.stdout + ran.stderr != ""


@pytest.mark.parametrize(("unit", "at_most"), [("drf-oms.service", 20), ("drf-oms-migrate.service", 30)])
def test_a_unit_may_do_little(units, unit, at_most):
    """systemd's own measure, of 0 (nothing) to 100 (everything); without any settings it is 96."""
    ran = analyzed("security", "--offline=yes", f"--threshold={at_most}", units / unit)

    assert ran.returncode == 0, ran.stdout[-200:]


def test_systemd_waits_for_longer_than_a_stop_takes():
    unit = configparser.RawConfigParser(strict=False)
    unit.read(UNITS / "drf-oms.service")

    assert unit.getint("Service", "TimeoutStopSec") > gunicorn.graceful_timeout + 5
