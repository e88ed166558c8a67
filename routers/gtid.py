"""The GTID set: which transactions a server has, or must have.

Written `uuid[:tag]:n[-m][:n[-m]]...[:tag:n[-m]...]`, comma separated; tags since MySQL 8.3. The syntax
is that of the MySQL manual, "GTID Format and Storage" and "GTID Sets"; what it leaves open (braces,
spaces, empty elements) is what the server does, and the tests ask one.

Stricter than the server in one thing: it reads `uuid`, `uuid:tag` and `uuid:5-3` as no transaction at
all, and never writes them. A position that names nothing is had by every replica, so here each of the
three is an error. The empty set is written as nothing.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

LARGEST = 2**63 - 2  # of the numbers; the server refuses 2**63 - 1

# Both ends of each half-open interval, ascending, without touching neighbours: (1, 6, 8, 9) is 1-5:8.
# A number is in exactly when the count of bounds not above it is odd.
Bounds = tuple[int, ...]

_SPACE = " \t\n\v\f\r"  # C's isspace(); Python's own idea of space is wider
_DASHED = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NUMBER = r"\s*0*([1-9][0-9]{0,18})\s*"
_FLAGS = re.ASCII | re.IGNORECASE  # without ASCII the Kelvin sign is a k

_UUID = re.compile(rf"(?:({_DASHED})|\{{({_DASHED})\}}|([0-9a-f]{{32}}))\s*", _FLAGS)
_INTERVAL = re.compile(rf":{_NUMBER}(?:-{_NUMBER})?", _FLAGS)
_SERIES = re.compile(rf"(?::\s*([a-z_][a-z0-9_]{{0,31}})\s*)?((?:{_INTERVAL.pattern})+)", _FLAGS)


class InvalidGTIDSet(ValueError):
    """The text is not a GTID set. The message says what was expected and where."""


@dataclass(frozen=True, slots=True, repr=False)
class GTIDSet:
    """An immutable set of GTIDs. `GTIDSet()` is empty; `GTIDSet.parse` makes the others."""

    _series: Mapping[str, Bounds] = field(default_factory=dict)  # by `uuid` or `uuid:tag`, none empty

    @classmethod
    def parse(cls, text: str) -> Self:
        """The set that a text such as `@@gtid_executed` names; InvalidGTIDSet when it names none."""
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for element in text.split(","):
            if stripped := element.strip(_SPACE):
                for series, interval in _intervals(stripped):
                    found[series].append(interval)
        return cls({series: _merged(intervals) for series, intervals in found.items()})

    def contains(self, other: "GTIDSet") -> bool:
        """Whether each GTID of the other is here too: GTID_SUBSET(other, self)."""
        mine = self._series
        for series, bounds in other._series.items():
            if series not in mine or not _covers(mine[series], bounds):
                return False
        return True

    def count(self) -> int:
        """How many GTIDs: of `primary - replica`, the transactions that the replica lacks.

        No `len()`, which must stay below 2**63: two full series are more.
        """
        return sum(end - start for bounds in self._series.values() for start, end in _pairs(bounds))

    def intervals(self) -> int:
        """How many intervals it takes to write it: what parsing and comparing cost."""
        return sum(len(bounds) // 2 for bounds in self._series.values())

    def of_server(self, uuid: str) -> "GTIDSet":
        """Those that this server (lower case, dashed) has given, with and without tags."""
        return GTIDSet({series: bounds for series, bounds in self._series.items() if series[:36] == uuid})

    def rounded_up(self) -> "GTIDSet":
        """A superset of one interval a series: short, for a server that has few gaps to have it."""
        return GTIDSet({series: (bounds[0], bounds[-1]) for series, bounds in self._series.items()})

    def __or__(self, other: "GTIDSet") -> "GTIDSet":
        union = {**self._series, **other._series}
        for series in self._series.keys() & other._series.keys():
            union[series] = _merged([*_pairs(self._series[series]), *_pairs(other._series[series])])
        return GTIDSet(union)

    def __sub__(self, other: "GTIDSet") -> "GTIDSet":
        theirs = other._series
        left = {series: _without(bounds, theirs.get(series, ())) for series, bounds in self._series.items()}
        return GTIDSet({series: bounds for series, bounds in left.items() if bounds})

    def __bool__(self) -> bool:
        return bool(self._series)

    def __hash__(self) -> int:
        return hash(frozenset(self._series.items()))

    def __str__(self) -> str:
        """The server's normal form on one line; it breaks lines after commas."""
        text, uuid = "", None
        for series, bounds in sorted(self._series.items()):
            text += series[36:] if series[:36] == uuid else f",{series}"
            text += "".join(f":{_written(start, end)}" for start, end in _pairs(bounds))
            uuid = series[:36]
        return text.removeprefix(",")

    def __repr__(self) -> str:
        return f"GTIDSet.parse({str(self)!r})" if self else "GTIDSet()"


def _intervals(element: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each half-open interval of what stands between two commas, with the series it belongs to."""
    head = _UUID.match(element)
    if head is None:
        raise _expected("a UUID", element, 0)
    uuid, position = _dashed(head[1] or head[2] or head[3]), head.end()
    while position < len(element) or position == head.end():  # once at least: a UUID alone is an error
        part = _SERIES.match(element, position)
        if part is None:
            raise _expected(f"':[tag:]n[-m]' with n and m from 1 to {LARGEST}", element, position)
        series = f"{uuid}:{part[1].lower()}" if part[1] else uuid
        for first, last in _INTERVAL.findall(part[2]):
            yield series, _half_open(int(first), int(last or first))
        position = part.end()


def _expected(what: str, element: str, position: int) -> InvalidGTIDSet:
    rest = element[position : position + 60]  # the text may be anything, and of any length
    return InvalidGTIDSet(f"expected {what}, not {rest!r}" if rest else f"expected {what}, not the end")


def _dashed(uuid: str) -> str:
    digits = uuid.lower()
    if len(digits) == 36:
        return digits
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _half_open(first: int, last: int) -> tuple[int, int]:
    if last > LARGEST:
        raise InvalidGTIDSet(f"{last} is above the largest number of a GTID, {LARGEST}")
    if last < first:
        raise InvalidGTIDSet(f"the interval {first}-{last} ends before it starts")
    return first, last + 1


def _merged(intervals: list[tuple[int, int]]) -> Bounds:
    """Intervals in any order, overlapping or touching, as bounds."""
    if len(intervals) == 1:
        return intervals[0]
    bounds: list[int] = []
    for start, end in sorted(intervals):
        if bounds and start <= bounds[-1]:
            bounds[-1] = max(bounds[-1], end)
        else:
            bounds += (start, end)
    return tuple(bounds)


def _pairs(bounds: Bounds) -> Iterable[tuple[int, int]]:
    return zip(bounds[::2], bounds[1::2], strict=True)


def _covers(bounds: Bounds, wanted: Bounds) -> bool:
    for at in range(0, len(wanted), 2):  # _pairs() would double the time of the usual call
        above = bisect_right(bounds, wanted[at])
        if above % 2 == 0 or bounds[above] < wanted[at + 1]:
            return False
    return True


def _without(bounds: Bounds, taken: Bounds) -> Bounds:
    """A sweep over all ends: a bound is where being in the one and not in the other changes."""
    left: list[int] = []
    for point in sorted({*bounds, *taken}):
        inside = bisect_right(bounds, point) % 2 > bisect_right(taken, point) % 2
        if inside != (len(left) % 2 == 1):
            left.append(point)
    return tuple(left)


def _written(start: int, end: int) -> str:
    return f"{start}-{end - 1}" if end - start > 1 else str(start)
