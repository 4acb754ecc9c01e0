"""Run Docker's command line: build, tag and inspect images."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alertdrill.errors import AlertdrillError

# Installing packages over a slow network takes minutes.
TIMEOUT_S = 1800
# The label with the hash of an image's inputs: recipe, programs and base.
INPUTS = "dev.alertdrill.inputs"


class EngineError(AlertdrillError):
    """The Docker engine is missing or refused."""


class DockerCli:
    """Docker's command line; every failure is an `EngineError` with its reason."""

    def __init__(self) -> None:
        docker = shutil.which("docker")
        if docker is None:
            raise EngineError("docker is not on the PATH: install it, and try again.")
        self._docker = docker

    def require(self) -> None:
        """Raise `EngineError` unless the engine responds."""
        self.run("version", "--format", "{{.Server.Version}}")

    def run(self, *arguments: str) -> str:
        """Run a command of docker and return what it printed."""
        command = [self._docker, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - docker itself, our own arguments, no shell
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
                env={**os.environ, "BUILDKIT_PROGRESS": "plain"},
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]} did not end in {TIMEOUT_S} s.") from None
        if done.returncode != 0:
            raise EngineError(
                f"docker {arguments[0]} failed: {error_line(done.stderr or done.stdout)}"
            )
        return done.stdout

    def build(self, context: Path, inputs: str, arguments: Mapping[str, str]) -> str:
        """Build the recipe in `context` and return the image's id."""
        options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        label = f"--label={INPUTS}={inputs}"
        file = context.with_name(f"{context.name}.id")
        self.run("build", f"--iidfile={file}", label, *options, str(context))
        return file.read_text().strip()

    def run_isolated(self, image: str, command: Sequence[str]) -> str:
        """Run a program in a temporary container without network; return its output."""
        alone = ("--rm", "--network=none", "--read-only", "--entrypoint", command[0])
        return self.run("run", *alone, image, *command[1:])

    def built_from(self, inputs: str) -> list[str]:
        """Return the names of the images built from these inputs."""
        form = "{{.Repository}}:{{.Tag}}"
        chosen = f"label={INPUTS}={inputs}"
        return self.run("image", "ls", "--format", form, "--filter", chosen).split()

    def image(self, name: str) -> dict[str, Any] | None:
        """Return the details of an image, or None if the engine does not have it."""
        try:
            documents: list[dict[str, Any]] = json.loads(self.run("image", "inspect", name))
        except EngineError:
            return None
        return documents[0]

    def tag(self, image: str, name: str) -> None:
        """Tag an image; remove the former owner of the tag if it has no other."""
        before = self.image(name)
        self.run("image", "tag", image, name)
        if before and before["Id"] != image:
            self.remove_untagged(before["Id"])

    def remove_untagged(self, image: str) -> None:
        """Remove an image without tags, unless a container uses it."""
        details = self.image(image)
        if details and not details["RepoTags"]:
            try:
                self.run("image", "rm", image)
            except EngineError:
                return  # a container runs it; `docker image prune` takes it later

    def start(self, *arguments: str, feeds_stdin: bool = False) -> subprocess.Popen[bytes]:
        """Start a command that writes an archive to stdout, or reads one from stdin."""
        return subprocess.Popen(  # noqa: S603 - docker itself, our own arguments, no shell
            [self._docker, *arguments],
            stdin=subprocess.PIPE if feeds_stdin else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if feeds_stdin else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def error_line(output: str) -> str:
    """Return the line of an output with the error: apt's, docker's, or the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    apts = [line[line.index("E: ") :] for line in lines if re.search(r"(^|\s)E: ", line)]
    dockers = [line for line in lines if "error" in line.lower()]
    return (apts or dockers or lines or ["it gave no reason."])[-1]
