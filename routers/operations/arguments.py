"""The words that `manage.py replication` understands."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.utils import timezone

from routers import levels


def add(parser: ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    for add_one in (_status, _wait, _verify, _drain_and_enable, _explain, _promote, _rejoin, _lost):
        add_one(commands)


def _status(commands: Any) -> None:
    asked = commands.add_parser("status", help="each node, what is wrong with it, and what to do next")
    asked.add_argument(
        "--watch", type=float, nargs="?", const=2.0, metavar="SECONDS", help="again and again (2)"
    )
    _add_json(asked)


def _wait(commands: Any) -> None:
    wait = commands.add_parser("wait", help="until the replicas have what the primary has now")
    wait.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="(60)")
    wait.add_argument("--in-service", action="store_true", help="pass over drained replicas")
    _add_json(wait)


def _verify(commands: Any) -> None:
    compare = commands.add_parser("verify", help="a canary, the schema and the data; exit status 1 on drift")
    compare.add_argument("--table", action="append", default=[], metavar="NAME", help="only this one; again")
    compare.add_argument(
        "--since",
        type=moment,
        metavar="WHEN",
        help="only rows that name a moment from then on: 2026-11-20, or 2026-11-20T18:00+09:00",
    )
    compare.add_argument("--throttle", type=float, default=0.0, metavar="SECONDS", help="between two chunks")
    compare.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="for a replica to catch up (30)"
    )
    _add_json(compare)


def _drain_and_enable(commands: Any) -> None:
    for name, what in {
        "drain": "no more reads on a replica, until it is enabled; nothing is cut off",
        "enable": "reads on a drained replica again",
    }.items():
        node = commands.add_parser(name, help=what)
        node.add_argument("node", metavar="NODE", help="the alias of a replica")
        _add_json(node)


def _explain(commands: Any) -> None:
    told = commands.add_parser("explain", help="which node a request would read, and why")
    told.add_argument("method", metavar="METHOD", type=str.upper)
    told.add_argument("path", metavar="PATH", help="without host and query")
    told.add_argument("--member", type=int, metavar="ID", help="whose request it is")
    told.add_argument("--level", type=levels.parse_level, help="what X-Consistency would say")
    _add_json(told)


def _promote(commands: Any) -> None:
    node = commands.add_parser("promote", help="make another server the primary")
    node.add_argument(
        "node", metavar="NODE", nargs="?", help="its alias; with --dead, unless named, the one that has most"
    )
    gone = "the old primary is gone; prints what would be done"
    node.add_argument("--dead", action="store_true", help=gone)
    node.add_argument("--execute", action="store_true", help="with --dead: do it")
    node.add_argument("--accept-loss", action="store_true", help="with --dead: although others have more")
    node.add_argument("--dry-run", action="store_true", help="without --dead: print what would be done")


def _rejoin(commands: Any) -> None:
    node = commands.add_parser("rejoin", help="make a former primary a replica of the one that there is now")
    node.add_argument("node", metavar="NODE", help="its alias")
    node.add_argument("--reseed", action="store_true", help="anew from the primary, if it has diverged")
    node.add_argument("--dry-run", action="store_true", help="print what would be done")


def _lost(commands: Any) -> None:
    told = commands.add_parser("lost", help="acknowledged writes that did not survive; exit status 1 if any")
    told.add_argument("--clear", action="store_true", help="and forget them")
    _add_json(told)


def moment(text: str) -> datetime:
    """ISO 8601; without an offset in the service's time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        sentence = f"'{text}' is no date or time; write 2026-11-20 or 2026-11-20T18:00"
        raise ArgumentTypeError(sentence) from error
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
