"""How far a long comparison is: rate, and time left."""

from typing import Any

try:
    from tqdm import tqdm
except ImportError:  # the router does without it
    tqdm = None


class Silent:
    """No bar."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def update(self, count: int) -> None:
        pass

    def set_description(self, what: str) -> None:
        pass


def bar(total: int) -> Any:
    """On standard error; nothing where that is no terminal, or tqdm is not installed."""
    if tqdm is None:
        return Silent()
    return tqdm(total=total, unit=" rows", unit_scale=True, disable=None, leave=False)
