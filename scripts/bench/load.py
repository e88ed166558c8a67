"""Load from wrk (https://github.com/wg/wrk), a few seconds at a time, and what the workers spent on it."""

import json
import os
import re
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.bench.service import Service

CONNECTIONS = 8  # as many as the service's threads
SCRIPT = Path(__file__).with_name("load.lua")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Slice:
    """One turn of load: requests a second, ms of the workers' CPU a request, latencies in ms."""

    requests: int
    rate: float
    cpu: float
    p50: float
    p95: float
    p99: float


def turn(service: Service, requests: Path, seconds: int) -> Slice:
    """Ask what the file says (load.lua), over and over. Every answer must be 2xx or 3xx."""
    before = cpu_seconds(service.workers())
    found = _wrk(service.port, requests, seconds)
    spent = cpu_seconds(service.workers()) - before
    if found["bad"] or not found["requests"]:
        raise SystemExit(f"{found['bad']} of {found['requests']} requests of {requests.name} failed.")
    count = found["requests"]
    latencies = [found[name] / 1000 for name in ("p50", "p95", "p99")]
    return Slice(count, count / found["microseconds"] * 1e6, spent / count * 1000, *latencies)


def _wrk(port: int, requests: Path, seconds: int) -> dict[str, int]:
    shape = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "10s"]
    command = ["wrk", *shape, "-s", str(SCRIPT), f"http://127.0.0.1:{port}"]
    arguments = [str(requests), uuid.uuid4().hex[:12]]
    done = subprocess.run([*command, "--", *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    result = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if result is None:
        raise SystemExit(f"wrk has said:\n{done.stdout}{done.stderr}")
    found: dict[str, int] = json.loads(result[1])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime, stime: proc(5)
    return ticks / TICK


def resident_megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0
