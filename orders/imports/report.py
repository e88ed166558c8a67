"""What became of each row of an import."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CREATED, EXISTING, FAILED = "created", "existing", "failed"
Errors = dict[str, list[str]]  # sentences by field; "row" and "file" are what no field is to blame for


@dataclass(slots=True)
class Outcome:
    """One row's. `row` is its number in the file; in a CSV file the header is 1."""

    row: int
    external_reference: str | None
    result: str
    order_number: str | None = None
    errors: Errors | None = None

    def succeed(self, result: str, order_number: str) -> None:
        self.result, self.order_number, self.errors = result, order_number, None

    def fail(self, errors: Errors) -> None:
        self.result, self.order_number, self.errors = FAILED, None, errors

    def data(self) -> dict[str, Any]:
        """Without what it does not have."""
        shown: dict[str, Any] = {
            "row": self.row,
            "external_reference": self.external_reference,
            "result": self.result,
        }
        if self.order_number:
            shown["order_number"] = self.order_number
        if self.errors:
            shown["errors"] = self.errors
        return shown


@dataclass
class Report:
    """All rows', in the order of the file. `refused`: nothing was written because of those that failed."""

    outcomes: list[Outcome] = field(default_factory=list)
    refused: bool = False

    def add(self, row: int, reference: str | None, errors: Errors | None = None) -> Outcome:
        result = FAILED if errors else CREATED
        outcome = Outcome(row, reference, result, errors=errors)
        self.outcomes.append(outcome)
        return outcome

    def has_failed(self) -> bool:
        return any(outcome.result == FAILED for outcome in self.outcomes)

    def refuse(self) -> "Report":
        """Nothing was written: what would have been is not told of."""
        self.refused = True
        self.outcomes = [outcome for outcome in self.outcomes if outcome.result != CREATED]
        return self

    def counts(self) -> dict[str, int]:
        counted = Counter(outcome.result for outcome in self.outcomes)
        return {result: counted[result] for result in (CREATED, EXISTING, FAILED)}

    def data(self) -> dict[str, Any]:
        """`{created, existing, failed, rows}`."""
        rows: Sequence[dict[str, Any]] = [outcome.data() for outcome in self.outcomes]
        return {**self.counts(), "rows": rows}
