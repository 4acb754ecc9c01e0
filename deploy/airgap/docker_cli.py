"""Run Docker's command line: build, tag, inspect and move images."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.commands import CommandError, failure_reason, find_command, run

# Installing packages over a slow network takes minutes.
TIMEOUT_S = 1800
# The label with the hash of an image's inputs: recipe, programs and base.
INPUTS = "dev.alertdrill.inputs"


class DockerCli:
    """Docker's command line; a failure is a `CommandError` with its reason.

    The constructor raises `AlertdrillError` unless the engine responds.
    """

    def __init__(self) -> None:
        try:
            self.run("version", "--format", "{{.Server.Version}}")
        except CommandError as error:
            raise AlertdrillError(f"{error}: install Docker and start its engine.") from error

    def run(self, *arguments: str) -> str:
        """Run a command of docker and return what it printed."""
        return run("docker", *arguments, timeout=TIMEOUT_S, BUILDKIT_PROGRESS="plain")

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
        except CommandError:
            return None
        return documents[0]

    def tag(self, image: str, name: str) -> None:
        """Tag an image; remove the former owner of the tag if it has no other."""
        before = self.image(name)
        self.run("image", "tag", image, name)
        former = self.image(before["Id"]) if before and before["Id"] != image else None
        if former and not former["RepoTags"]:
            with suppress(CommandError):  # a container runs it; `docker image prune` takes it later
                self.run("image", "rm", former["Id"])

    @contextmanager
    def stream(self, *arguments: str, feeds_stdin: bool = False) -> Iterator[IO[bytes]]:
        """Run a command during the block, and provide its stdout, or its stdin to write to."""
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments, no shell
            [find_command("docker") or "docker", *arguments],
            stdin=pipe if feeds_stdin else null,
            stdout=null if feeds_stdin else pipe,
            stderr=pipe,
        ) as process:
            stream = process.stdin or process.stdout
            assert stream is not None
            assert process.stderr is not None
            # An engine that stops reading has the reason in its stderr.
            with suppress(BrokenPipeError), stream:
                yield stream
            message = process.stderr.read().decode(errors="replace")
        if process.returncode != 0:
            raise CommandError(failure_reason(f"docker {arguments[0]}", message))
