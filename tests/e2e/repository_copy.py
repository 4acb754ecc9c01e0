"""A copy of the repository, in which a test follows a page of the documentation."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from alertdrill.settings import ROOT
from tests.e2e.stack import Stack

# The images that were built for the copy.
NAME, OURS = "{{.Repository}}:{{.Tag}}", "reference=alertdrill/*:$ALERTDRILL_VERSION"


@dataclass
class RepositoryCopy(Stack):
    """A copy of the repository in which the page was followed, and its stack at speed 12."""

    # What each command of the page said.
    said: dict[str, str] = field(default_factory=dict)

    def alertdrill(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line of the copy."""
        return self.run(f"{REHEARSED} {' '.join(arguments)}", check)

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, as its reader would."""
        return self._ended(["bash", "-euc", command], command, check)

    def run_pages(self, command: str) -> None:
        """Run a command of the page, on this stack: at its speed, and where it listens."""
        here = re.sub(r"127\.0\.0\.1:8080\b", self.url("lb").removeprefix("http://"), command)
        here = re.sub(r"^make (up|status)\b", rf"{REHEARSED} \1", here)
        here = here.replace(".venv/bin/python -m alertdrill", REHEARSED)
        self.said[command] = self.run(here).stdout


REHEARSED = '.venv/bin/python -m tests.e2e.compressed_cli "$ALERTDRILL_HOME"'


def copied(folder: Path) -> Path:
    """Return a copy of the repository as it is now, with the same environment for Python."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    # On a host without a registry, .env has the names of the images that are there.
    for name in (*listed.split("\0"), ".env"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def surroundings(home: Path) -> dict[str, str]:
    """Return the environment of the commands, free of this shell's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_PORT") and not name.startswith("PYTEST")
    }
    own = {
        "ALERTDRILL_HOME": str(home),
        "RUNTIME": os.environ.get("RUNTIME", "native"),
        # Images of its own, that no other stack takes for the repository's.
        "ALERTDRILL_VERSION": f"copy-{secrets.token_hex(3)}",
        "COLUMNS": "200",
    }
    return {**kept, **own}
