"""`scripts/bench.sh profile [PATTERN]`: where a request's time goes, by package and by function."""

import cProfile
import itertools
import pstats
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.bench.figures import table
from scripts.bench.state import benchmark

if TYPE_CHECKING:
    from scripts.bench.speed_data import Data
    from scripts.bench.speed_targets import Target

REQUESTS, WARMING, TOP = 300, 60, 10
HOT = "history, first page|^one order|30 members|with a key"
ROOT = str(Path(__file__).resolve().parents[2])


def main() -> None:
    pattern = sys.argv[1] if len(sys.argv) > 1 else HOT
    with benchmark():
        from scripts.bench import speed, speed_data  # noqa: PLC0415 - need Django

        data = speed_data.fill(seed=1)
        for target in speed.chosen(pattern):
            report(target, data)


def report(target: "Target", data: "Data") -> None:
    ask = asker(target, data)
    for _ in range(WARMING):
        ask()
    time.sleep(1.5)  # until the prober has looked: replicas answer from then on
    started = time.thread_time()
    for _ in range(REQUESTS):
        ask()
    spent = (time.thread_time() - started) / REQUESTS * 1000
    profile = cProfile.Profile()
    profile.runcall(lambda: [ask() for _ in range(REQUESTS)])
    table(
        f"{target.name}: {spent:.2f} ms of CPU a request, without the profiler",
        ["own time, with it", "share", "calls a request"],
        [*_rows(profile, _package_of), ["", "", ""], *_rows(profile, _function_of)],
    )


def asker(target: "Target", data: "Data") -> Callable[[], None]:
    """Django's whole WSGI handler, without a network."""
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - need Django
    from django.test import RequestFactory  # noqa: PLC0415

    handler, lines = WSGIHandler(), itertools.cycle(list(itertools.islice(target.lines(data), 50)))

    def ask() -> None:
        line = next(lines).replace("{unique}", uuid.uuid4().hex)
        method, path, key, header, body = line.split("\t")
        headers = {"Authorization": f"Token {key}", **dict(p.split("=", 1) for p in header.split("|") if p)}
        factory: Any = RequestFactory(headers=headers)
        request = factory.generic(method, path, body, "application/json")
        response = handler(request.environ, lambda status, headers: None)
        if response.status_code >= 400:
            raise SystemExit(f"{method} {path} was answered {response.status_code}.")
        response.close()

    return ask


def _rows(profile: cProfile.Profile, name_of: Callable[[Any], str]) -> list[list[str]]:
    own: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    statistics: Any = pstats.Stats(profile)
    for function, (_, count, seconds, _, _) in statistics.stats.items():
        own[name_of(function)] += seconds
        calls[name_of(function)] += count
    total = own.total()
    return [
        [name, f"{seconds / total:.0%}", f"{calls[name] / REQUESTS:.0f}"]
        for name, seconds in own.most_common(TOP)
    ]


def _package_of(function: tuple[str, int, str]) -> str:
    path, _, name = function
    if "site-packages/" in path:
        parts = path.split("site-packages/")[-1].split("/")
        return "/".join(parts[:2]) if parts[0] == "django" else parts[0]
    if path.startswith(ROOT):
        return path.removeprefix(f"{ROOT}/").split("/")[0]
    if path != "~":
        return "Python's library"
    return "MySQL's answers" if "Session" in name else "built in"


def _function_of(function: tuple[str, int, str]) -> str:
    path, _, name = function
    short = path.removeprefix(f"{ROOT}/").split("site-packages/")[-1].split("/python3")[-1]
    return f"{name} ({short})" if path != "~" else re.sub(r" at 0x\w+", "", name)


if __name__ == "__main__":
    main()
