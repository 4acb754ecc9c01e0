"""`python -m docs.generate`: write docs/reference; `--check` only lists the pages that differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import (
    alerts,
    cli,
    containers,
    decision_codes,
    fault_kinds,
    kill_matrix,
    metrics,
    responder_endpoints,
    settings,
)
from .errors import GenerateError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "alerts.md": alerts.page,
    "cli.md": cli.page,
    "containers.md": containers.page,
    "decision-codes.md": decision_codes.page,
    "fault-kinds.md": fault_kinds.page,
    "kill-matrix.md": kill_matrix.page,
    "metrics.md": metrics.page,
    "responder-endpoints.md": responder_endpoints.page,
    "settings.md": settings.page,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.generate",
        description="Write the pages of docs/reference from code and data.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list the pages that differ, and exit with 1 if there are any",
    )
    check_only = parser.parse_args(arguments).check
    try:
        pages = {REFERENCE / name: page() for name, page in PAGES.items()}
    except GenerateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    changed = [file for file, text in pages.items() if _read(file) != text]
    if check_only and changed:
        names = ", ".join(f"docs/reference/{file.name}" for file in changed)
        print(  # noqa: T201 - as above
            f"{names}: not generated from the current code; run `make docs` and commit.",
            file=sys.stderr,
        )
        return 1
    for file in changed:
        file.write_text(pages[file], encoding="utf-8")
    print(f"{len(pages)} reference pages, {len(changed)} changed.")  # noqa: T201 - as above
    return 0


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
