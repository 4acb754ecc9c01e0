"""`python -m grafana.preview`: draw the dashboards of a running stack."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..query_check import dashboard_file
from ..query_check.dashboard_file import QueryCheckError
from ..query_check.data_sources import Loki, UnavailableError
from ..query_check.evaluation import QueryRunner
from .panel_data import collect
from .sheet import write

ROOT = Path(__file__).resolve().parent.parent.parent
MS_PER_S = 1000
DESCRIPTION = "Draw the dashboards of a running stack as pictures."


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures and print their paths; return 2 if no stack runs."""
    options = parser().parse_args(arguments)
    now = round((options.until.timestamp() if options.until else time.time()) * MS_PER_S)
    try:
        dashboards = dashboard_file.read(options.dashboards)
        runner = QueryRunner(options.prometheus, options.loki if _answers(options.loki) else None)
        runner.age(now)
        options.out.mkdir(parents=True, exist_ok=True)
        files = [
            write(collect(dashboard, runner, now, options.last), options.out)
            for dashboard in dashboards
        ]
    except UnavailableError:
        sys.stderr.write(
            f"no Prometheus at {options.prometheus}:"
            " start the stack with `make up`, or set its URL with --prometheus\n"
        )
        return 2
    except QueryCheckError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    names = ", ".join(file.name for file in files)
    sys.stdout.write(f"Previews, drawn by matplotlib, in {options.out}: {names}\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = argparse.ArgumentParser(prog="python -m grafana.preview", description=DESCRIPTION)
    command.add_argument(
        "--prometheus", default=_address("PROMETHEUS_PORT", "9090"), help="URL of Prometheus"
    )
    command.add_argument(
        "--loki",
        default=_address("LOKI_PORT", "3100"),
        help="URL of Loki; panels of logs are empty without it",
    )
    command.add_argument(
        "--dashboards",
        type=Path,
        default=ROOT / "grafana" / "dashboards",
        help="folder of the dashboards",
    )
    command.add_argument(
        "--out", type=Path, default=ROOT / "var" / "previews", help="output folder"
    )
    command.add_argument(
        "--last", default="", help="time range to show, such as 15m; default: that of the dashboard"
    )
    command.add_argument(
        "--until", type=_timestamp, help="end of the range, such as 2026-01-31T10:30; default: now"
    )
    return command


def _address(variable: str, port: str) -> str:
    return f"http://127.0.0.1:{os.environ.get(variable) or port}"


def _timestamp(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 2026-01-31T10:30"
        ) from None


def _answers(loki: str) -> bool:
    try:
        Loki(loki).get("/loki/api/v1/labels")
    except QueryCheckError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
