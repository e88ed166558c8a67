"""How far a command is."""

from typing import Any

from tqdm import tqdm


def bar(what: str, total: int | None = None) -> Any:
    """On standard error; silent where that is no terminal. `update(n)` moves it, `with` ends it."""
    return tqdm(desc=what, total=total, unit=" orders", disable=None, leave=False)
