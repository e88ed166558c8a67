"""Measured values, and how they are printed."""

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing, at least four, in one unit."""

    values: Sequence[float]

    def minus(self, other: "Sample") -> "Sample":
        """The differences of values that were measured one after the other."""
        return Sample([mine - theirs for mine, theirs in zip(self.values, other.values, strict=True)])

    def times(self, factor: float) -> "Sample":
        return Sample([value * factor for value in self.values])

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.values, n=100, method="inclusive")[percent - 1]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def quartiles(self, digits: int = 0) -> str:
        """The half of the values in the middle."""
        return f"{self.percentile(25):.{digits}f} to {self.percentile(75):.{digits}f}"


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The first column to the left, numbers to the right, the last one free."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    say(f"\n{title}\n")
    for line in lines:
        numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        say("  ".join(["", line[0].ljust(widths[0]), *numbers]).rstrip())
