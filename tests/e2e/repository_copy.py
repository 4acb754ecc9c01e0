"""A copy of the repository in which a test follows a page of the documentation."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alertdrill.config import ROOT
from tests.e2e.stack import Stack, leftovers

# The images that were built for the copy.
IMAGE_FORMAT = "{{.Repository}}:{{.Tag}}"
IMAGE_FILTER = "reference=alertdrill.invalid/*:$ALERTDRILL_VERSION"

# The command, however a page calls it, at the beginning of a line or of a part of a pipeline.
COMMAND = re.compile(r"(?:(?<=^)|(?<=[|;&] ))(?:\.venv/bin/(?:python -m )?)?alertdrill(?= [a-z])")


@dataclass
class RepositoryCopy(Stack):
    """A copy of the repository in which a page was followed, and its stack at speed 12."""

    # The output of each command of the page.
    outputs: dict[str, str] = field(default_factory=dict)

    def alertdrill(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the `alertdrill` command of the copy."""
        return self.run(f"{COMPRESSED_CLI} {' '.join(arguments)}", check)

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the copy, as a reader of the page would."""
        return self._run(["bash", "-euc", command], command, check)

    def run_page_command(self, command: str) -> None:
        """Run a command of the page on this stack: at its speed, on its ports."""
        port = self.url("lb").rpartition(":")[2]
        local = re.sub(r"(127\.0\.0\.1|\.localhost):8080\b", rf"\1:{port}", command)
        local = re.sub(r"^make (up|status)\b", rf"{COMPRESSED_CLI} \1", local)
        local = COMMAND.sub(COMPRESSED_CLI, local)
        self.outputs[command] = self.run(local).stdout


COMPRESSED_CLI = '.venv/bin/python -m tests.e2e.compressed_cli "$ALERTDRILL_HOME"'


def copy_repository(folder: Path) -> Path:
    """Copy the working tree into a folder, with a link to this Python environment; return it."""
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


def stack_of_copy(root: Path, home: Path) -> RepositoryCopy:
    """Return the stack of a copy of the repository, with its ports; it is not up yet."""
    copied = RepositoryCopy(environment_of_copy(home), home / "ephemeral", root)
    copied.alertdrill("status", check=False)  # the first command chooses the ports
    chosen = json.loads((home / "settings.json").read_text())
    copied.environment |= {f"{name.upper()}_PORT": str(at) for name, at in chosen["ports"].items()}
    copied.environment["COMPOSE_PROJECT_NAME"] = chosen["project"]
    return copied


@contextmanager
def ending(copied: RepositoryCopy) -> Iterator[None]:
    """Stop the stack of a copy in any case, remove its images, and fail if anything is left."""
    try:
        yield
    finally:
        copied.alertdrill("down", check=False)
    left = leftovers(copied)
    if copied.runtime == "compose":
        images = f'docker image ls --format "{IMAGE_FORMAT}" --filter "{IMAGE_FILTER}"'
        copied.run(f"docker image rm $({images})")
    assert not left, f"`down` left something running: {left}"


def environment_of_copy(home: Path) -> dict[str, str]:
    """Return the environment of the copy's commands, without the settings of this shell."""
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
