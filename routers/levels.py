"""How fresh a view's reads must be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, order=True)
class Level:
    """A consistency level; a greater one asks for more.

    `strictness` orders the kinds; among bounded levels, fewer seconds are stricter.
    """

    strictness: int
    tightness: float = 0.0

    @property
    def seconds(self) -> float:
        """Of a bounded level: how old its answers may be."""
        return -self.tightness


EVENTUAL = Level(0)  # any replica, however far behind; answered even when nothing better can be
SESSION = Level(2)  # what the member wrote, and what they were shown
STRONG = Level(3)  # the primary


def bounded(seconds: float) -> Level:
    """Any replica that is at most so many seconds behind, else the primary."""
    return Level(1, -float(seconds))


def consistency(level: Level) -> Callable[[View], View]:
    """Declare the level of a view: a function, or a method of a viewset.

    A class declares it by the attribute `consistency`.
    """

    def declare(view: View) -> View:
        view.consistency = level  # type: ignore[attr-defined]
        return view

    return declare


@lru_cache(maxsize=1024)  # views live as long as the process
def level_of(view: Callable[..., Any], method: str) -> Level:
    """The level of what Django resolved a request to: of the action, its class, or the function."""
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    verb = "get" if method == "HEAD" else method.lower()  # which views answer alike
    action = getattr(view, "actions", {}).get(verb, verb)
    for place in (getattr(cls, str(action), None), cls, view):
        declared = getattr(place, "consistency", None)
        if isinstance(declared, Level):
            return declared
    return SESSION


def parse_level(text: str) -> Level:
    """`eventual`, `bounded=SECONDS`, `session` or `strong`. Raises ValueError."""
    name, _, seconds = text.strip().lower().partition("=")
    if name == "bounded" and seconds.replace(".", "", 1).isdigit():
        return bounded(float(seconds))
    named = {"eventual": EVENTUAL, "session": SESSION, "strong": STRONG}
    if seconds or name not in named:
        raise ValueError("eventual, bounded=SECONDS, session or strong is expected")
    return named[name]
