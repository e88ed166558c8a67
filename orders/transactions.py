"""One transaction, run again when MySQL asks for it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections, transaction

from orders.errors import TooBusy

Write = TypeVar("Write", bound=Callable[..., Any])

DUPLICATE_KEY = 1062  # ER_DUP_ENTRY
LOCK_WAIT_TIMEOUT = 1205  # ER_LOCK_WAIT_TIMEOUT
DEADLOCK = 1213  # ER_LOCK_DEADLOCK: the manual says to run the transaction again
ATTEMPTS = 5
LONGEST_PAUSE = 0.05  # seconds, after the first attempt


def retried(write: Write) -> Write:
    """`write` in a transaction, at most `ATTEMPTS` times while it meets deadlocks and lock timeouts.

    Inside another transaction it is a part of that one, which then decides. Raises `TooBusy`.
    """

    @wraps(write)
    def run(*args: Any, **kwargs: Any) -> Any:
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return write(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return write(*args, **kwargs)
            except OperationalError as error:
                if code_of(error) not in (DEADLOCK, LOCK_WAIT_TIMEOUT):
                    raise
                if attempt == ATTEMPTS:
                    raise TooBusy from error
                # Apart in time, or the two that collided would meet again.
                time.sleep(random.uniform(0, LONGEST_PAUSE) * attempt)  # noqa: S311 - not a secret
        return None

    return run  # type: ignore[return-value]


@contextmanager
def refusable() -> Iterator[None]:
    """Inside a transaction: a statement that a unique index may refuse, and no harm done.

    InnoDB undoes what it refuses and nothing before it (MySQL manual, "InnoDB Error Handling"). So there is
    no savepoint, of two statements; Django, which would mark the transaction as broken, is told.
    """
    try:
        yield
    except IntegrityError:
        transaction.set_rollback(False)
        raise


def code_of(error: Exception) -> int:
    """MySQL's number of an error; 0 when it has none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def violated_key(error: IntegrityError) -> str | None:
    """The unique index that a duplicate was refused by, as `table.index`; None for another error."""
    if code_of(error) != DUPLICATE_KEY:
        return None
    return str(error.args[1]).rpartition("for key '")[2].rstrip("'")
