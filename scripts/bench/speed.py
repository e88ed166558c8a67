"""`scripts/bench.sh speed`: the service's requests beside the floor's, in turn, in one run."""

import argparse
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.bench import load
from scripts.bench.figures import Sample, say
from scripts.bench.load import Slice
from scripts.bench.service import Service, Shape
from scripts.bench.state import benchmark

if TYPE_CHECKING:
    from scripts.bench.speed_data import Data
    from scripts.bench.speed_targets import Target

WORKERS, THREADS = 2, 4
SERVICE = Shape(WORKERS, THREADS)
FLOOR = Shape(
    WORKERS,
    THREADS,
    ("--access-logfile", "/dev/null", "--logger-class", "gunicorn.glogging.Logger"),
    ("scripts.bench.floor:application",),
)
Turns = dict[str, list[Slice]]


def main() -> None:
    asked = arguments()
    with benchmark() as state:
        from scripts.bench import speed_data, speed_report, speed_statements  # noqa: PLC0415 - need Django

        data = speed_data.fill(asked.seed, speed_data.LARGE if asked.large else speed_data.SMALL)
        targets = chosen(asked.only)
        counted = speed_statements.counted(state, data, targets)
        turns, memory = measured(state, data, targets, asked)
    speed_report.report(targets, turns, counted, memory)
    if asked.picture:
        speed_report.draw(targets, turns, asked.picture)
    if asked.check:
        speed_report.check(targets, turns)


def arguments() -> Any:
    parser = argparse.ArgumentParser(prog="bench.sh speed")
    parser.add_argument("--large", action="store_true", help="a million orders, a fifth one member's")
    parser.add_argument("--check", action="store_true", help="fail where a ratio is under its recorded bound")
    parser.add_argument("--only", default="", metavar="PATTERN", help="targets whose names match")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--seconds", type=int, default=2, help="of a turn (2)")
    parser.add_argument("--seed", type=int, default=1, help="of the data (1)")
    parser.add_argument("--picture", type=Path, help="write the ratios to this SVG file too")
    return parser.parse_args()


def chosen(words: str) -> "list[Target]":
    from scripts.bench.speed_targets import TARGETS  # noqa: PLC0415 - needs Django

    found = [target for target in TARGETS if re.search(words, target.name)]
    if not found:
        raise SystemExit(f"no target's name matches '{words}'.")
    return found


def measured(
    state: Path, data: "Data", targets: "list[Target]", asked: Any
) -> tuple[dict[str, Turns], dict[str, Any]]:
    """Each target's turns by who answered; and the workers' memory, and how much they answered for it."""
    found: dict[str, Turns] = {}
    with ExitStack() as stack:
        names = {"service", *(target.rival for target in targets)} - {"itself"}
        services = {name: stack.enter_context(started(name, state)) for name in names}
        services["itself"] = services["service"]
        memory: dict[str, Any] = {"answered": 0, "began": megabytes(services["service"])}
        for target in targets:
            found[target.name] = turns_of(target, services, data, state, asked)
            memory["answered"] += sum(turn.requests for turn in found[target.name]["service"])
            memory.setdefault("warm", megabytes(services["service"]))
        memory["ended"] = megabytes(services["service"])
    return found, memory


def started(name: str, state: Path) -> Service:
    """One of the rivals, with a log and a position store of its own."""
    place = state / name
    place.mkdir()
    shape = FLOOR if name == "floor" else SERVICE
    settings = {"REPLICA_URLS": ""} if name == "primary" else {}
    return Service(place, "drf_oms.settings", shape=shape, **settings)


def turns_of(target: "Target", services: dict[str, Service], data: "Data", state: Path, asked: Any) -> Turns:
    """A B A B: what slows the machine down slows both."""
    files = {"service": target.lines, target.rival: target.rivals_lines()}
    paths = {}
    for name, lines in files.items():
        paths[name] = state / f"{name}.requests"
        paths[name].write_text("\n".join(lines(data)) + "\n")
        load.turn(services[name], paths[name], target.shortest)  # connections, imports, caches
    turns: Turns = {name: [] for name in files}
    for _ in range(asked.rounds):
        for name, path in paths.items():
            turns[name].append(load.turn(services[name], path, max(asked.seconds, target.shortest)))
    say(f"  {target.name}: {Sample([turn.rate for turn in turns['service']]).median:,.0f}/s")
    return turns


def megabytes(service: Service) -> list[float]:
    return [load.resident_megabytes(pid) for pid in service.workers()]


if __name__ == "__main__":
    main()
