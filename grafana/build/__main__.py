"""`python -m grafana.build`: write grafana/dashboards; `--check` only says which files differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .errors import BuildError
from .write import differing, wanted, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the dashboards; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file differs")
    try:
        return check() if parser.parse_args(arguments).check else build()
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's own output
        return 1


def build() -> int:
    """Write what differs, and say so."""
    changed = write()
    said = f"{len(changed)} changed: {', '.join(changed)}." if changed else "none changed."
    print(f"{len(wanted())} dashboards, {said}")  # noqa: T201 - as above
    return 0


def check() -> int:
    """Say which files differ from the build."""
    found = differing()
    if not found:
        print("The dashboards are what the build writes.")  # noqa: T201 - as above
        return 0
    print(  # noqa: T201 - as above
        f"{', '.join(found)}: not what the build writes; run `make dashboards` and commit.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
