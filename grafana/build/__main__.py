"""`python -m grafana.build`: write grafana/dashboards; `--check` only lists changes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .errors import BuildError
from .write import outdated, rendered, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the dashboards; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m grafana.build", description="Write Grafana's dashboards from their code."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list the files that differ, and exit with 1 if there are any",
    )
    try:
        return check() if parser.parse_args(arguments).check else build()
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the output of a command
        return 1


def build() -> int:
    """Write the changed files and print their names."""
    changed = write()
    changes = f"{len(changed)} changed: {', '.join(changed)}." if changed else "none changed."
    print(f"{len(rendered())} dashboards, {changes}")  # noqa: T201 - as above
    return 0


def check() -> int:
    """Print the files that differ from the build."""
    outdated_files = outdated()
    if not outdated_files:
        print("The dashboards are up to date.")  # noqa: T201 - as above
        return 0
    print(  # noqa: T201 - as above
        f"{', '.join(outdated_files)}: outdated; run `make dashboards` and commit.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
