"""`python -m grafana.build`: write grafana/dashboards; `--check` only lists changes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .dashboard_builder import DashboardSpec, build_dashboard
from .dashboards import ALL
from .rules import ROOT, BuildError

FOLDER = ROOT / "grafana" / "dashboards"


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the dashboards; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m grafana.build", description="Write Grafana's dashboards from their code."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list the files that differ, and exit with 1 if there are any",
    )
    is_check = parser.parse_args(arguments).check
    try:
        files = outdated(folder) if is_check else write(folder)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    names = ", ".join(files)
    if is_check and files:
        sys.stderr.write(f"{names}: outdated; run `make dashboards` and commit.\n")
        return 1
    changes = f"{len(files)} changed: {names}." if files else "none changed."
    built = f"{len(ALL)} dashboards, {changes}"
    sys.stdout.write("The dashboards are up to date.\n" if is_check else f"{built}\n")
    return 0


def to_json(spec: DashboardSpec) -> str:
    """Return the JSON of a dashboard, with stable formatting."""
    built = build_dashboard(spec)
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def outdated(folder: Path = FOLDER) -> list[str]:
    """Return the names of the files that the build would change, add or delete."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    expected = {f"{spec.uid}.json": to_json(spec) for spec in ALL}
    return sorted(
        name for name in {*committed, *expected} if committed.get(name) != expected.get(name)
    )


def write(folder: Path) -> list[str]:
    """Write the changed files, delete surplus ones; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {f"{spec.uid}.json": spec for spec in ALL}
    changed = outdated(folder)
    for name in changed:
        if name in expected:
            (folder / name).write_text(to_json(expected[name]), encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


if __name__ == "__main__":
    sys.exit(main())
