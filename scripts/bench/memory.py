"""`scripts/bench.sh memory`: what the workers keep, after as many requests of every kind as an hour has."""

import argparse
import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench import load
from scripts.bench.figures import say, table
from scripts.bench.service import Service
from scripts.bench.speed import SERVICE, WORKERS
from scripts.bench.state import benchmark

if TYPE_CHECKING:
    from scripts.bench.speed_data import Data

REQUESTS = 360_000  # a hundred a second for an hour
SECONDS = 20  # of load between two looks
ROWS = 12
LINES = 20_000  # then they come again: each member asks for each thing, in the end
# Of a thousand requests.
SHARES = {
    "history, first page, by cursor": 350,
    "history, first page, by offset": 100,
    "history, deepest page, by cursor": 50,
    "history, offset 60": 49,
    "poll: history, unchanged": 100,
    "one order": 150,
    "poll: one order, unchanged": 50,
    "30 members, for staff": 20,
    "place an order, with a key": 60,
    "place an order": 40,
    "stats of 30 days": 30,
    "log in": 1,
}
Seen = tuple[int, list[float]]  # requests answered, MB of each worker


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sh memory")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"how many ({REQUESTS:,})")
    asked = parser.parse_args().requests
    with benchmark() as state:
        from scripts.bench import speed_data  # noqa: PLC0415 - needs Django

        requests = state / "requests"
        write_mixture(requests, speed_data.fill(seed=1))
        with Service(state, "drf_oms.settings", shape=SERVICE) as service:
            report(watched(service, requests, asked))


def write_mixture(path: Path, data: "Data") -> None:
    """Requests of all kinds in the order of a seeded lot."""
    from scripts.bench.speed_targets import TARGETS  # noqa: PLC0415 - needs Django

    kinds = {
        target.name: itertools.cycle(list(target.lines(data))) for target in TARGETS if target.name in SHARES
    }
    lots = random.Random(1).choices(list(SHARES), list(SHARES.values()), k=LINES)  # noqa: S311 - no secret
    path.write_text("".join(f"{next(kinds[name])}\n" for name in lots))


def watched(service: Service, requests: Path, asked: int) -> list[Seen]:
    """What was seen before the first request, and after each turn until so many were answered."""
    pids = service.workers()
    seen = [(0, [load.resident_megabytes(pid) for pid in pids])]
    while (answered := seen[-1][0]) < asked:
        answered += load.turn(service, requests, SECONDS).requests
        seen.append((answered, [load.resident_megabytes(pid) for pid in pids]))
        say(f"  {answered:,} of {asked:,} requests")
    return seen


def report(seen: list[Seen]) -> None:
    last = len(seen) - 1
    shown = [seen[index] for index in sorted({number * last // (ROWS - 1) for number in range(ROWS)})]
    table(
        "Resident memory of the workers, MB, by requests that they have answered together",
        ["requests", *(f"worker {number + 1}" for number in range(WORKERS))],
        [[f"{answered:,}", *(f"{value:.1f}" for value in values)] for answered, values in shown],
    )


if __name__ == "__main__":
    main()
