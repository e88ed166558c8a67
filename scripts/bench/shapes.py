"""`scripts/bench.sh shapes`: the same load on gunicorn in several shapes, in turn, in one run."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench import load
from scripts.bench.figures import Sample, table
from scripts.bench.load import Slice
from scripts.bench.service import Service, Shape
from scripts.bench.state import benchmark

if TYPE_CHECKING:
    from scripts.bench.speed_data import Data

WORKERS_AND_THREADS = [(2, 4), (1, 4), (2, 1), (2, 2), (2, 8), (3, 4), (4, 2)]  # the first is to compare with
ROUNDS, SECONDS = 4, 2
READ, WRITE = "history, first page, by cursor", "place an order, with a key"


def main() -> None:
    with benchmark() as state:
        from scripts.bench import speed_data  # noqa: PLC0415 - need Django

        data = speed_data.fill(seed=1)
        with ExitStack() as stack:
            services = {
                f"{workers} x {threads}": stack.enter_context(_service(state, workers, threads))
                for workers, threads in WORKERS_AND_THREADS
            }
            for name in (READ, WRITE):
                report(name, services, data, state)


def _service(state: Path, workers: int, threads: int) -> Service:
    place = state / f"{workers}x{threads}"
    place.mkdir()
    return Service(place, "drf_oms.settings", shape=Shape(workers, threads))


def report(name: str, services: dict[str, Service], data: "Data", state: Path) -> None:
    from scripts.bench.speed_targets import TARGETS  # noqa: PLC0415 - needs Django

    (target,) = [target for target in TARGETS if target.name == name]
    requests = state / "requests"
    requests.write_text("\n".join(target.lines(data)) + "\n")
    turns: dict[str, list[Slice]] = {shape: [] for shape in services}
    for round_ in range(ROUNDS + 1):
        for shape, service in services.items():
            turn = load.turn(service, requests, SECONDS if round_ else 1)
            turns[shape] += [turn] if round_ else []  # the first is for connections and imports
    first = next(iter(turns.values()))
    table(
        f"{name}: workers x threads, {load.CONNECTIONS} connections",
        ["", "requests/s", "to the first's", "CPU, ms", "p50", "p99", "MB a worker"],
        [_row(shape, turns[shape], first, services[shape]) for shape in services],
    )


def _row(shape: str, turns: list[Slice], first: list[Slice], service: Service) -> list[str]:
    ratio = Sample([mine.rate / theirs.rate for mine, theirs in zip(turns, first, strict=True)])
    median = [
        Sample(values).median
        for values in zip(*[(turn.rate, turn.cpu, turn.p50, turn.p99) for turn in turns], strict=True)
    ]
    memory = max(load.resident_megabytes(pid) for pid in service.workers())
    rate, cpu, p50, p99 = median
    cells = [f"{rate:,.0f}", f"{ratio.median:.2f}", f"{cpu:.2f}", f"{p50:.1f}", f"{p99:.1f}", f"{memory:.0f}"]
    return [shape, *cells]


if __name__ == "__main__":
    main()
