"""`python -m tests.rules.mutations [ALERT...]`: print the results of the mutations."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .check import check


def main(names: list[str]) -> int:
    """Print the results; return 1 if there are problems."""
    try:
        found = list(check(names))
    except (LookupError, ValueError) as error:
        sys.exit(str(error))
    table = Table("rule", "mutations", "killed", "equivalent", "survived")
    for each in found:
        left = len(each.survived) - len(each.equivalent)
        tried = len(each.killed) + len(each.survived)
        table.add_row(each.rule, *map(str, (tried, len(each.killed), len(each.equivalent), left)))
    console = Console()
    console.print(table)
    problems = [problem for each in found for problem in each.problems]
    for problem in problems:
        console.print(escape(problem), soft_wrap=True, highlight=False)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
