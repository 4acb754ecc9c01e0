"""`python -m grafana.proof`: prove the dashboards on a stack that runs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import dashboard, excused, report
from .asker import Asker
from .errors import ProofError
from .prove import Rules, prove

HERE = Path(__file__).resolve().parent.parent
MS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was proven; return 1 where something failed, 2 where nothing could be asked."""
    given = parser().parse_args(arguments)
    try:
        found = prove(
            dashboard.read(given.dashboards),
            Asker(given.prometheus, given.loki),
            round(time.time() * MS),
            Rules(excused.read(given.empty), dict(given.set)),
        )
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in report.lines(found, given.details))
    return 1 if found.failures else 0


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(prog="grafana.proof", description=__doc__)
    made.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    made.add_argument("--loki", help="its address; without it, what asks Loki is skipped")
    made.add_argument("--dashboards", type=Path, default=HERE / "dashboards", help="a folder")
    made.add_argument("--empty", type=Path, default=HERE / "empty.yml", help="what may be empty")
    made.add_argument("--details", action="store_true", help="say what is excused, and gaps")
    made.add_argument(
        "--set", action="append", default=[], type=_pair, help="a variable's value: name=value"
    )
    return made


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no name=value.")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
