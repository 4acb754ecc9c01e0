"""Run the parts of a tier: time each, record its result, and skip what passed on this commit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .waivers import Waiver, read_waivers

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / ".ci" / "parts"

# In this order: what is quick and fails often comes first. Each is a script in .ci/parts.
LANDING = (
    "lint",
    "unit-contract",
    "rules",
    "changed-mutations",
    "e2e-shared-stack",
    "false-alarms",
    "selected-drills",
    "container-smoke",
)
VERIFY = (
    "lint",
    "unit-contract",
    "rules",
    "mutations",
    "foreign",
    "python-3.12",
    "python-3.13",
    "false-alarms",
    "e2e",
    "sabotage",
    "request-audit",
    "hostile-audit",
    "drills",
    "images",
    "compose-up",
    "container-e2e",
    "container-drills",
)
# A checkout that does not lint is not worth half an hour.
ENDS_THE_TIER = "lint"

Result = Literal["passed", "failed", "interrupted"]


@dataclass(frozen=True)
class Record:
    """How a part went on a commit; `notes` are sentences that the part left for the summary."""

    part: str
    commit: str
    seconds: float
    result: Result
    waivers: Sequence[Waiver] = ()
    notes: Sequence[str] = ()
    # Whether an earlier run on the same commit left this record.
    resumed: bool = False


class Stamps:
    """The records of a tier, one file for each part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def output(self, part: str) -> Path:
        """Return an empty folder for the files of a part."""
        folder = self.folder / part
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def write(self, record: Record) -> None:
        """Store a record beside those of the other parts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{record.part}.json").write_text(json.dumps(asdict(record), indent=2))

    def read(self, part: str) -> Record | None:
        """Return the record of a part; None if there is none that can be read."""
        try:
            fields = json.loads((self.folder / f"{part}.json").read_text())
            waivers = [Waiver(**waiver) for waiver in fields.pop("waivers")]
            return Record(**fields | {"waivers": waivers})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def passed(self, part: str, commit: str) -> Record | None:
        """Return the record of a part that passed on exactly this commit."""
        record = self.read(part)
        if record is None or record.result != "passed" or record.commit != commit:
            return None
        return Record(**{**vars(record), "resumed": True})


def current_commit(root: Path = ROOT) -> str:
    """Return the commit that is checked out; empty where the tree differs from every commit.

    No stamp can vouch for a tree with local changes: its parts run each time.
    """
    try:
        return "" if _git(root, "status", "--porcelain") else head(root)
    except (OSError, subprocess.CalledProcessError):
        return ""


def head(root: Path = ROOT) -> str:
    """Return the hash of the last commit.

    Raises CalledProcessError where there is none.
    """
    return _git(root, "rev-parse", "HEAD")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def script(part: str) -> Path:
    """Return the script of a part."""
    return SCRIPTS / part


def description(part: str) -> str:
    """Return the comment below the first line of a part's script."""
    lines = script(part).read_text().splitlines()
    return lines[1].removeprefix("# ")


def run_part(part: str, commit: str, stamps: Stamps, environment: Mapping[str, str]) -> Record:
    """Run the script of a part, and record its result, its seconds, its waivers and notes."""
    output = stamps.output(part)
    began = time.monotonic()
    result: Result = "failed"
    try:
        done = subprocess.run(
            [str(script(part))],
            cwd=ROOT,
            env={**environment, "PART_OUTPUT": str(output), "TIER": stamps.folder.name},
            check=False,
        )
        result = "passed" if done.returncode == 0 else "failed"
    except KeyboardInterrupt:
        result = "interrupted"
    except OSError as error:
        print(f"{script(part)} can't be run: {error}", flush=True)  # noqa: T201 - this is its output
    seconds = round(time.monotonic() - began, 1)
    record = Record(part, commit, seconds, result, read_waivers(output), read_notes(output))
    stamps.write(record)
    return record


def read_notes(output: Path) -> list[str]:
    """Return the sentences that a part wrote into its file `notes`."""
    file = output / "notes"
    return file.read_text().splitlines() if file.exists() else []


def run_parts(
    parts: Iterable[str],
    stamps: Stamps,
    *,
    resume: bool,
    report: Callable[[str], None],
    run: Callable[[str, str, Stamps, Mapping[str, str]], Record] = run_part,
) -> list[Record]:
    """Run parts one after the other; with `resume`, not those that passed on this commit.

    A failure does not keep the next part from running, unless it is lint that fails. Ctrl-C ends
    the tier.
    """
    commit = current_commit()
    records: list[Record] = []
    for part in parts:
        earlier = stamps.passed(part, commit) if resume and commit else None
        if earlier:
            report(f"== {part}: passed on this commit already, in {earlier.seconds:.0f} s")
            records.append(earlier)
            continue
        report(f"== {part}")
        record = run(part, commit, stamps, os.environ)
        report(f"== {part}: {record.result} after {record.seconds:.0f} s")
        records.append(record)
        if record.result == "interrupted" or (record.result == "failed" and part == ENDS_THE_TIER):
            break
    return records
