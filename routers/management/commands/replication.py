"""Look at replication, and take replicas out of service and in again."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.urls import Resolver404
from MySQLdb import Error as MySQLError  # type: ignore[import-untyped]  # has no stubs

from routers import drained, lost, primary
from routers.conf import conf
from routers.gtid import GTIDSet
from routers.levels import Level
from routers.operations import arguments, explain, promotion, rejoining, status, verify, waiting
from routers.operations.administrator import NotPossible
from routers.operations.steps import Step, carry_out
from routers.operations.table import lines as status_lines
from routers.store import StoreLost

CLEAR = "\x1b[H\x1b[2J"  # ECMA-48: cursor home, erase the display


class Command(BaseCommand):
    help = "Look at replication. Exit status: 0 healthy, 1 degraded, 2 broken, or the command was wrong."
    requires_system_checks = ()  # it is asked for just when something is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add(parser)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if not conf().REPLICAS:
            raise CommandError('ROUTERS has no "REPLICAS": there is no replication to look at.', returncode=2)
        primary.locate(conf().PROBE_TIMEOUT_SECONDS)
        try:
            code = getattr(self, f"_{action}")(**options)
        except (NotPossible, MySQLError) as error:
            raise CommandError(f"{error}", returncode=2) from error
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

    def _promote(
        self, *, node: str | None, dead: bool, accept_loss: bool, dry_run: bool, execute: bool, **options: Any
    ) -> int:
        if node is None and not dead:
            raise CommandError("Name the node that is to be the primary.", returncode=2)
        to_dead, to_live = promotion.unplanned, promotion.planned
        steps = to_dead(node, accept_loss=accept_loss) if dead else to_live(str(node))
        if self._carry_out(steps, really=execute if dead else not dry_run):
            promotion.await_primary()
            self._tell_of_lost()
        return 0

    def _rejoin(self, *, node: str, reseed: bool, dry_run: bool, **options: Any) -> int:
        self._carry_out(rejoining.rejoin(node, reseed=reseed), really=not dry_run)
        return 0

    def _lost(self, *, clear: bool, as_json: bool, **options: Any) -> int:
        found = lost.known()
        gtids, at = found or (GTIDSet(), 0.0)
        facts = {"count": gtids.count(), "gtids": str(gtids), "at": at or None}
        none = self.style.SUCCESS("No acknowledged write is known to be lost.")
        some = self.style.ERROR(f"{gtids.count()} acknowledged writes are lost: {gtids}")
        self._show(facts, [some if gtids else none], as_json=as_json)
        if clear:
            lost.clear()
        return 1 if gtids else 0

    # --- what they share -----------------------------------------------------------------

    def _carry_out(self, steps: Iterable[Step], *, really: bool) -> bool:
        """Print each step, and do it. Answers whether it was meant."""

        def say(step: Step) -> None:
            self.stdout.write("\n".join(step.lines(self.style)))
            self.stdout.flush()

        if really:
            carry_out(steps, say)
            self.stdout.write(self.style.SUCCESS("Done."))
        else:
            for step in steps:
                say(step)
            self.stdout.write("Nothing was done: this is what would be. With --dead, say --execute to do it.")
        return really

    def _tell_of_lost(self) -> None:
        if found := lost.known():
            self.stdout.write(self.style.ERROR(f"Acknowledged, and lost, as far as is known: {found[0]}"))

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
