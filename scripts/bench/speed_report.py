"""The tables and the picture of `bench.sh speed`, and its check."""

from pathlib import Path
from typing import Any

from scripts.bench.figures import Sample, say, table
from scripts.bench.load import Slice
from scripts.bench.speed_targets import Target
from scripts.bench.svg import bars

Turns = dict[str, list[Slice]]


def report(
    targets: list[Target], turns: dict[str, Turns], counted: dict[str, tuple[float, float]], memory: Any
) -> None:
    table(
        "Requests a second, beside the rival's; the ratio turn by turn",
        ["", "service", "rival", "ratio", "lowest to highest", "CPU, ms", "rival's", "statements"],
        [_row(target, turns[target.name], counted) for target in targets],
    )
    table(
        "Latency of the service under this load, ms (medians of the turns)",
        ["", "p50", "p95", "p99"],
        [_latencies(target, turns[target.name]["service"]) for target in targets],
    )
    cells = [", ".join(f"{value:.0f}" for value in memory[name]) for name in ("began", "warm", "ended")]
    answered = f"{memory['answered']:,}"
    table(
        "Resident memory of each worker, MB",
        ["", "at the start", "after the first target", "at the end", "requests answered by both"],
        [["service", *cells, answered]],
    )


def ratios(target: Target, turns: dict[str, Turns]) -> Sample:
    """Requests a second: the service's to its rival's, of turns that were neighbours."""
    mine, theirs = turns[target.name]["service"], turns[target.name][target.rival]
    return Sample([one.rate / other.rate for one, other in zip(mine, theirs, strict=True)])


def _row(target: Target, turns: Turns, counted: dict[str, tuple[float, float]]) -> list[str]:
    mine, theirs = turns["service"], turns[target.rival]
    ratio = ratios(target, {target.name: turns})
    rates = [f"{Sample([turn.rate for turn in who]).median:,.0f}" for who in (mine, theirs)]
    cpu = [f"{Sample([turn.cpu for turn in who]).median:.2f}" for who in (mine, theirs)]
    spread = f"{min(ratio.values):.2f} to {max(ratio.values):.2f}"
    primary, replicas = counted.get(target.name, (None, None))
    statements = "" if primary is None else f"{primary:g} + {replicas:g}"
    return [target.name, *rates, f"{ratio.median:.2f}", spread, *cpu, statements]


def _latencies(target: Target, turns: list[Slice]) -> list[str]:
    columns = [[turn.p50 for turn in turns], [turn.p95 for turn in turns], [turn.p99 for turn in turns]]
    return [target.name, *[f"{Sample(column).median:.1f}" for column in columns]]


def draw(targets: list[Target], turns: dict[str, Turns], path: Path) -> None:
    shown = [(target, ratios(target, turns)) for target in targets if target.rival == "floor"]
    rows = [(target.name, ratio.median, min(ratio.values), max(ratio.values)) for target, ratio in shown]
    path.write_text(bars("Requests a second as a share of the floor's", rows))
    say(f"\n{path} was written.")


def check(targets: list[Target], turns: dict[str, Turns]) -> None:
    """Ends with an error where a median is under its bound."""
    low = [
        f"{target.name}: {ratio.median:.2f} of its rival, {target.at_least:.2f} is the bound"
        for target in targets
        if (ratio := ratios(target, turns)).median < target.at_least
    ]
    if low:
        raise SystemExit("\n".join(["", "slower than recorded:", *low]))
    say("\nNo ratio is under its bound.")
