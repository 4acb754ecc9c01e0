"""`python -m tests.rules.mutations [ALERT...]`: print the results of the mutations."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .check import check


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the results; return 1 if there are problems."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.rules.mutations",
        description="Change each number, comparison, window and matcher of a rule, one at a time,"
        " and list the changes that no test of the rule detects.",
        epilog="Exit with 1 if a change is not detected, or if a test file is incomplete.",
    )
    parser.add_argument(
        "rules", nargs="*", metavar="RULE", help="an alert or a recording rule; default: all"
    )
    options = parser.parse_args(arguments)
    try:
        reports = list(check(options.rules))
    except (LookupError, ValueError) as error:
        sys.exit(str(error))
    table = Table("rule", "mutations", "killed", "equivalent", "survived")
    for report in reports:
        left = len(report.survived) - len(report.equivalent)
        tried = len(report.killed) + len(report.survived)
        table.add_row(
            report.rule, *map(str, (tried, len(report.killed), len(report.equivalent), left))
        )
    console = Console()
    console.print(table)
    problems = [problem for report in reports for problem in report.problems]
    for problem in problems:
        console.print(escape(problem), soft_wrap=True, highlight=False)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
