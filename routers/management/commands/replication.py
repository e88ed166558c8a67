"""Look at replication, and take replicas out of service and in again."""

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.urls import Resolver404
from django.utils import timezone
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import drained, levels, primary
from routers.conf import conf
from routers.levels import Level
from routers.operations import explain, status, verify, waiting
from routers.operations.table import lines as status_lines
from routers.store import StoreLost

CLEAR = "\x1b[H\x1b[2J"  # ECMA-48: cursor home, erase the display


class Command(BaseCommand):
    help = "Look at replication. Exit status: 0 healthy, 1 degraded, 2 broken, or the command was wrong."
    requires_system_checks = ()  # it is asked for just when something is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")

        asked = commands.add_parser("status", help="each node, what is wrong with it, and what to do next")
        asked.add_argument(
            "--watch", type=float, nargs="?", const=2.0, metavar="SECONDS", help="again and again (2)"
        )
        _add_json(asked)

        wait = commands.add_parser("wait", help="until the replicas have what the primary has now")
        wait.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="(60)")
        wait.add_argument("--in-service", action="store_true", help="pass over drained replicas")
        _add_json(wait)

        compare = commands.add_parser(
            "verify", help="a canary, the schema and the data; exit status 1 on drift"
        )
        compare.add_argument(
            "--table", action="append", default=[], metavar="NAME", help="only this one; again"
        )
        compare.add_argument(
            "--since",
            type=moment,
            metavar="WHEN",
            help="only rows that name a moment from then on: 2026-11-20, or 2026-11-20T18:00+09:00",
        )
        compare.add_argument(
            "--throttle", type=float, default=0.0, metavar="SECONDS", help="between two chunks"
        )
        compare.add_argument(
            "--timeout", type=float, default=30.0, metavar="SECONDS", help="for a replica to catch up (30)"
        )
        _add_json(compare)

        for name, what in {
            "drain": "no more reads on a replica, until it is enabled; nothing is cut off",
            "enable": "reads on a drained replica again",
        }.items():
            node = commands.add_parser(name, help=what)
            node.add_argument("node", metavar="NODE", help="the alias of a replica")
            _add_json(node)

        told = commands.add_parser("explain", help="which node a request would read, and why")
        told.add_argument("method", metavar="METHOD", type=str.upper)
        told.add_argument("path", metavar="PATH", help="without host and query")
        told.add_argument("--member", type=int, metavar="ID", help="whose request it is")
        told.add_argument("--level", type=levels.parse_level, help="what X-Consistency would say")
        _add_json(told)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if not conf().REPLICAS:
            raise CommandError('ROUTERS has no "REPLICAS": there is no replication to look at.', returncode=2)
        primary.locate(conf().PROBE_TIMEOUT_SECONDS)
        try:
            code = getattr(self, f"_{action}")(**options)
        except StoreLost as error:
            raise CommandError(
                f"The cache '{conf().CACHE}' fails: {error.__cause__}", returncode=2
            ) from error
        if code:
            sys.exit(code)

    # --- the commands --------------------------------------------------------------------

    def _status(self, *, watch: float | None, as_json: bool, **options: Any) -> int:
        while True:
            found = status.gather()
            if watch and not as_json and self.stdout.isatty():
                self.stdout.write(CLEAR, ending="")
            self._show(status.as_dict(found), status_lines(found, self.style), as_json=as_json)
            if not watch:
                return status.exit_code(found)
            try:
                time.sleep(watch)  # as long as they said
            except KeyboardInterrupt:
                return status.exit_code(found)

    def _wait(self, *, timeout: float, in_service: bool, as_json: bool, **options: Any) -> int:
        try:
            gtids = waiting.primary_has()
        except (MySQLError, OSError) as error:
            raise CommandError(f"The primary does not answer: {error}", returncode=2) from error
        out = drained.now() if in_service else ()
        behind = waiting.behind(gtids, [alias for alias in conf().weights if alias not in out], timeout)
        lines = [self.style.ERROR(f"{alias} {why}") for alias, why in behind.items()]
        done = self.style.SUCCESS("The replicas have what the primary had.")
        self._show({"gtids": str(gtids), "behind": behind}, lines or [done], as_json=as_json)
        return 1 if behind else 0

    def _verify(
        self,
        *,
        table: list[str],
        since: datetime | None,
        throttle: float,
        timeout: float,
        as_json: bool,
        **options: Any,
    ) -> int:
        try:
            found = verify.verify(only=table, since=since, throttle=throttle, seconds=timeout)
        except LookupError as error:
            raise CommandError(f"The primary has no table {error.args[0]}.", returncode=2) from error
        except (MySQLError, DatabaseError, InterfaceError, OSError) as error:
            raise CommandError(f"Nothing could be compared: {error}", returncode=2) from error
        self._show(found.as_dict(), verify.lines(found, self.style), as_json=as_json)
        return found.exit_code()

    def _drain(self, *, node: str, as_json: bool, **options: Any) -> int:
        drained.drain(self._replica(node))
        last = "" if set(conf().weights) - drained.now() else " It was the last one: the primary answers all."
        done = self.style.SUCCESS(
            f"{node} is drained: no reads from {conf().PROBE_SECONDS * 2:g} s on.{last}"
        )
        self._show({"drained": sorted(drained.now())}, [done], as_json=as_json)
        return 0

    def _enable(self, *, node: str, as_json: bool, **options: Any) -> int:
        drained.enable(self._replica(node))
        done = self.style.SUCCESS(f"{node} is enabled: it takes reads as soon as it is fit for them.")
        self._show({"drained": sorted(drained.now())}, [done], as_json=as_json)
        return 0

    def _explain(
        self,
        *,
        method: str,
        path: str,
        member: int | None,
        level: Level | None,
        as_json: bool,
        **options: Any,
    ) -> int:
        try:
            found = explain.explain(method, path, member=member, level=level)
        except Resolver404 as error:
            raise CommandError(f"No view answers {path}.", returncode=2) from error
        self._show(asdict(found), explain.lines(found, self.style), as_json=as_json)
        return 0 if found.node else 2

    # --- what they share -----------------------------------------------------------------

    def _replica(self, alias: str) -> str:
        if alias not in conf().weights:
            raise CommandError(
                f"'{alias}' is no replica. The replicas are: {', '.join(conf().weights)}.", returncode=2
            )
        return alias

    def _show(self, facts: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(facts, default=str))
        else:
            for line in lines:
                self.stdout.write(line)


def moment(text: str) -> datetime:
    """ISO 8601; without an offset in the service's time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"'{text}' is no date or time; write 2026-11-20 or 2026-11-20T18:00"
        ) from error
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
