"""`scripts/bench.sh history`: pages of very long lists, and figures over them."""

import argparse

from scripts.bench.state import benchmark


def main() -> None:
    """Everything on the primary: the statements are the same on a replica."""
    parser = argparse.ArgumentParser(prog="bench.sh history")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many there are to be (1,000,000)")
    orders = parser.parse_args().orders
    with benchmark():
        _report(orders)


def _report(orders: int) -> None:
    from scripts.bench import history_pages, history_table  # noqa: PLC0415 - need Django

    member = history_table.fill(orders)
    readers = [history_pages.the_member(member), history_pages.staff()]
    for reader in readers:
        history_pages.report_pages(reader)
    history_pages.report_requests(readers)


if __name__ == "__main__":
    main()
