"""Run a tier of checks, or print what the landing tier selects.

python -m tests.tiers landing           run every part of the landing tier
python -m tests.tiers verify            run the parts that have not passed on this commit
python -m tests.tiers verify PART...    run these parts again
python -m tests.tiers list              list the parts of `make verify`
python -m tests.tiers drills            print the drills that the landing tier runs
python -m tests.tiers mutations         print the ids of the mutation tests that it runs
python -m tests.tiers failed FILE       print the names of the failed tests of a JUnit file
python -m tests.tiers failed FILE TYPE  print those whose failure has a type, such as `inconclusive`
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .runner import LANDING, ROOT, VERIFY, Stamps, description, run_parts
from .summary import passed, summary
from .waivers import failed


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code: 1 where a part failed, 2 for a wrong command."""
    command, *names = arguments or [""]
    if command == "landing" and not names:
        return _run("landing", LANDING, resume=False)
    if command == "verify" and set(names) <= set(VERIFY):
        return _run("verify", names or VERIFY, resume=not names)
    if command == "list" or (command == "verify" and names in (["list"], ["help"])):
        for part in VERIFY:
            _print(f"{part:<20} {description(part)}")
        return 0
    if command in ("drills", "mutations") and not names:
        return _select(command)
    if command == "failed" and len(names) in (1, 2):
        _print("\n".join(failed(Path(names[0]), *names[1:])))
        return 0
    if command == "verify":
        unknown = ", ".join(sorted(set(names) - set(VERIFY)))
        _print(f"There is no part {unknown}: `make verify PART=list` lists them.")
    else:
        _print(str(__doc__))
    return 0 if command in ("-h", "--help") else 2


def _run(tier: str, parts: Sequence[str], *, resume: bool) -> int:
    stamps = Stamps(ROOT / "var" / tier)
    records = run_parts(parts, stamps, resume=resume, report=_print)
    text = summary(parts, records)
    (stamps.folder / "summary.txt").write_text(f"{text}\n")
    _print(f"\n{text}")
    return 0 if passed(parts, records) else 1


def _select(what: str) -> int:
    """Print the selection on stdout, and write the reasons into the part's notes."""
    from . import selection

    selected, notes = selection.drills() if what == "drills" else selection.mutations()
    sys.stdout.writelines(f"{name}\n" for name in selected)
    if output := os.environ.get("PART_OUTPUT"):
        with (Path(output) / "notes").open("a") as file:
            file.writelines(f"{note}\n" for note in notes)
    else:
        sys.stderr.writelines(f"{note}\n" for note in notes)
    return 0


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a tier is run for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
