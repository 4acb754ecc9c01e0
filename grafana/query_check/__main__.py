"""`python -m grafana.query_check`: check the queries of the dashboards on a running stack."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import dashboard_file, report
from .check import check_dashboards, read_expectations
from .dashboard_file import QueryCheckError
from .evaluation import QueryRunner

HERE = Path(__file__).resolve().parent.parent
MS_PER_S = 1000
DESCRIPTION = (
    "Send every query of the dashboards to a running stack; list those that fail or are empty."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return 1 if a query failed, 2 if no query could be sent."""
    options = parser().parse_args(arguments)
    try:
        check_result = check_dashboards(
            dashboard_file.read(options.dashboards),
            QueryRunner(options.prometheus, options.loki),
            round(time.time() * MS_PER_S),
            read_expectations(options.empty),
            dict(options.set),
        )
    except QueryCheckError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in report.lines(check_result, options.details))
    return 1 if check_result.failures else 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = argparse.ArgumentParser(prog="python -m grafana.query_check", description=DESCRIPTION)
    command.add_argument("--prometheus", default="http://127.0.0.1:9090", help="URL of Prometheus")
    command.add_argument("--loki", help="URL of Loki; without it, queries of Loki are skipped")
    command.add_argument(
        "--dashboards", type=Path, default=HERE / "dashboards", help="folder of the dashboards"
    )
    command.add_argument(
        "--empty",
        type=Path,
        default=HERE / "expected_empty.yml",
        help="list of queries that may be empty",
    )
    command.add_argument(
        "--details", action="store_true", help="list expected empty queries and gaps"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="value of a dashboard variable",
    )
    return command


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
