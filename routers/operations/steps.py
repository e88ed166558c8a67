"""What an operation does, one server and one purpose at a time, each with what would undo it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers.operations.administrator import NotPossible, Server


@dataclass
class Step:
    """`statements` are run on `server`; `action` instead, where the purpose is to wait or to compare.

    `undo` is printed, and run where a later step fails and the step is `reversible`. `secrets` are left out
    of what is printed.
    """

    server: Server
    purpose: str
    statements: list[str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    action: Callable[[], None] | None = None
    reversible: bool = False
    secrets: tuple[str, ...] = ()

    def run(self) -> None:
        for statement in self.statements:
            self.server.run(statement)
        if self.action is not None:
            self.action()

    def lines(self, style: Any) -> Iterator[str]:
        yield f"{style.MIGRATE_HEADING(str(self.server))}: {self.purpose}"
        yield from (f"    {self._printed(statement)};" for statement in self.statements)
        yield from (f"    undo: {self._printed(statement)};" for statement in self.undo)

    def _printed(self, statement: str) -> str:
        for secret in self.secrets:
            statement = statement.replace(secret, "…")
        return statement


def carry_out(steps: Iterable[Step], say: Callable[[Step], None]) -> None:
    """One after the other. When one fails, those before it are undone, last first, as far as they can be.

    Raises what the step raised.
    """
    done: list[Step] = []
    try:
        for step in steps:
            say(step)
            done.append(step)
            step.run()
    except (MySQLError, NotPossible):
        _take_back(done)
        raise


def _take_back(done: list[Step]) -> None:
    if not all(step.reversible for step in done):
        return  # the new primary takes writes: going back would lose them
    for step in reversed(done):
        for statement in step.undo:
            with suppress(MySQLError):
                step.server.run(statement)
