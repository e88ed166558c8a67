"""`scripts/bench.sh router`: what the router costs."""

from scripts.bench.state import benchmark


def main() -> None:
    """The counting first: once the middleware runs here, so does a prober, with the same accounts."""
    with benchmark():
        _report()


def _report() -> None:
    from scripts.bench import decisions, freshness, members, read_requests, statements  # noqa: PLC0415 - need Django

    decisions.report_db_for_read()
    statements.report()
    freshness.report()
    caller = members.new_caller()
    decisions.report_steps(caller, members.new_caller())
    read_requests.report(caller)


if __name__ == "__main__":
    main()
