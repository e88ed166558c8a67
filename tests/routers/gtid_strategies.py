"""GTID sets as someone, or some server, might write them."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from routers.gtid import LARGEST

UUIDS = (
    "3e11fa47-71ca-11e1-9e33-c80aa9429562",
    "3e11fa47-71ca-11e1-9e33-c80aa942956a",
    "a0000000-0000-0000-0000-000000000000",
)
TAGS = ("_", "a", "a9", "ab", "t" * 32)
SMALL = st.integers(1, 12)  # few numbers: intervals meet, overlap and leave gaps
NUMBERS = st.one_of(SMALL, SMALL, st.integers(LARGEST - 8, LARGEST))

_UUID_FORMS: list[Callable[[str], str]] = [str, "{{{}}}".format, lambda uuid: uuid.replace("-", "")]
_CASES: list[Callable[[str], str]] = [str, str.upper, str.title]
_DAMAGE = [*":-,{} \n_0159afgzAZ.;+'\"\\", "", "\0", "\x1c", "\x85", "\xa0", "\u2003", "٣", "K", "ſ", ":t"]
_SEEDS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Written:
    """A text, and what it means: triples of UUID, tag ("" for none) and number."""

    text: str
    gtids: frozenset[tuple[str, str, int]]


def written_sets() -> st.SearchStrategy[Written]:
    """Small numbers only, so that the meaning can be spelled out."""
    return st.builds(_written, _elements(SMALL, TAGS), _SEEDS)


def set_texts(*, tags: tuple[str, ...] = TAGS) -> st.SearchStrategy[str]:
    """Up to the largest number. Each second names a single GTID, as a write position does."""
    names = [uuid + tag for uuid in UUIDS for tag in ("", *(f":{tag}" for tag in tags))]
    singles = st.builds("{}:{}".format, st.sampled_from(names), NUMBERS)
    return st.one_of(st.builds(_rendered, _elements(NUMBERS, tags), _SEEDS), singles)


def damaged_texts() -> st.SearchStrategy[str]:
    """One to three characters inserted, replaced or left out: what is nearly a set is the hardest."""
    damage = st.tuples(st.floats(0, 1), st.integers(0, 2), st.sampled_from(_DAMAGE))
    return st.builds(_damaged, set_texts(), st.lists(damage, min_size=1, max_size=3))


def _elements(numbers: st.SearchStrategy[int], tags: tuple[str, ...]) -> st.SearchStrategy[list[Any]]:
    """Per element its UUID and, per series, the tag and the intervals; the first may have no tag."""
    intervals = st.lists(st.tuples(numbers, numbers).map(sorted), min_size=1, max_size=4)
    untagged = st.tuples(st.just(""), intervals).map(lambda series: [series])
    if not tags:
        return st.lists(st.tuples(st.sampled_from(UUIDS), untagged), max_size=4)
    tagged = st.lists(st.tuples(st.sampled_from(tags), intervals), min_size=1, max_size=3)
    both = st.builds(list.__add__, untagged, tagged)
    return st.lists(st.tuples(st.sampled_from(UUIDS), st.one_of(untagged, tagged, both)), max_size=4)


def _written(elements: list[Any], seed: int) -> Written:
    gtids = frozenset(
        (uuid, tag, number)
        for uuid, series in elements
        for tag, intervals in series
        for first, last in intervals
        for number in range(first, last + 1)
    )
    return Written(_rendered(elements, seed), gtids)


def _damaged(text: str, damage: list[tuple[float, int, str]]) -> str:
    for place, width, character in damage:
        at = int(place * len(text))
        text = text[:at] + character + text[at + width :]
    return text


def _rendered(elements: list[Any], seed: int) -> str:
    random = Random(seed)

    def space() -> str:
        return random.choice(["", "", "", " ", "\n", " \t", "\r\n", "\v\f"])

    def interval(first: int, last: int) -> str:
        zeros = random.choice(["", "", "", "0", "000"])
        text = f":{space()}{zeros}{first}{space()}"
        alone = first == last and random.random() < 0.5
        return text if alone else f"{text}-{space()}{zeros}{last}{space()}"

    text = random.choice(["", "", "", ",", " "])
    for uuid, series in elements:
        text += random.choice(_CASES)(random.choice(_UUID_FORMS)(uuid)) + space()
        for tag, intervals in series:
            text += f":{space()}{random.choice(_CASES)(tag)}{space()}" if tag else ""
            text += "".join(interval(*ends) for ends in intervals)
        text += random.choice([",", ",", ",\n", ",,", " , ,"])
    return text
