"""`python -m grafana.preview`: draw each dashboard of a stack that runs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..proof import dashboard
from ..proof.asker import Asker
from ..proof.errors import AwayError, ProofError
from ..proof.sources import Api
from .gather import gather
from .page import names, write

ROOT = Path(__file__).resolve().parent.parent.parent
MS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures and say where; return 2 where there is no stack to draw."""
    given = parser().parse_args(arguments)
    now = round((given.until.timestamp() if given.until else time.time()) * MS)
    try:
        found = dashboard.read(given.dashboards)
        asker = Asker(given.prometheus, given.loki if _answers(given.loki) else None)
        asker.age(now)
        given.out.mkdir(parents=True, exist_ok=True)
        files = [write(gather(one, asker, now, given.last), given.out) for one in found]
    except AwayError:
        sys.stderr.write(
            f"There is no Prometheus at {given.prometheus}:"
            " start the stack with `make up`, or say where it is with --prometheus.\n"
        )
        return 2
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"Previews, drawn by matplotlib, in {given.out}: {names(files)}\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what the command takes; addresses are where the documented ports are."""
    made = argparse.ArgumentParser(prog="grafana.preview", description=__doc__)
    made.add_argument("--prometheus", default=_address("PROMETHEUS_PORT", "9090"))
    made.add_argument("--loki", default=_address("LOKI_PORT", "3100"))
    made.add_argument("--dashboards", type=Path, default=ROOT / "grafana" / "dashboards")
    made.add_argument("--out", type=Path, default=ROOT / "var" / "previews", help="a folder")
    made.add_argument("--last", default="", help="how much time to show, such as 15m")
    made.add_argument("--until", type=_moment, help="its end, such as 2026-01-31T10:30; else now")
    return made


def _address(variable: str, port: str) -> str:
    return f"http://127.0.0.1:{os.environ.get(variable) or port}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-01-31T10:30") from None


def _answers(loki: str) -> bool:
    try:
        Api(loki).get("/loki/api/v1/labels")
    except ProofError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
