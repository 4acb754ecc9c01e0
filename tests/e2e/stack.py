"""Drive a stack as a user does: its command line, its addresses, its logs."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from alertdrill.runtimes.compose.components import COMPONENTS
from alertdrill.settings import ROOT, SPAN, Ports

T = TypeVar("T")
# Tests that make no sense with the other runtime are deselected, so that each skip is a waiver.
native_only = pytest.mark.native
containers_only = pytest.mark.containers
# On a machine that has built none of our images yet, the first start takes minutes.
PATIENCE = 900
# Each line of an hour's tests, and more.
EVERYTHING = "1000000"
# Instances listen up to so far above INSTANCES_PORT.
BLOCK = SPAN + 1


def poll_until(check: Callable[[], T], what: str, patience: float) -> T:
    """Return the first true answer of `check`; fail saying what was awaited."""
    deadline = time.monotonic() + patience
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"Waited {patience:.0f} s in vain for {what}; last answer: {answer!r}")
        time.sleep(0.2)


@dataclass
class Stack:
    """A stack that runs, and what a user does with it."""

    environment: dict[str, str]
    home: Path
    root: Path = ROOT

    @property
    def runtime(self) -> str:
        """How it runs."""
        return self.environment["RUNTIME"]

    def alertdrill(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user would."""
        command = [sys.executable, "-m", "alertdrill", *arguments]
        return self._ended(command, f"alertdrill {' '.join(arguments)}", check)

    def _ended(
        self, command: Sequence[str], called: str, check: bool
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"{called}: {done.stderr}{done.stdout}")
        return done

    def url(self, part: str, path: str = "") -> str:
        """Return the address of a part: lb, prometheus, responder, lb_stats, ..."""
        return f"http://127.0.0.1:{self.environment[part.upper() + '_PORT']}{path}"

    def instances(self) -> dict[str, dict[str, Any]]:
        """Return every instance by its name."""
        found = json.loads(self.alertdrill("status", "--json", check=False).stdout)
        return {instance["name"]: instance for instance in found}

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Ask Prometheus now; each result has `metric` and `value`."""
        asked = requests.get(
            self.url("prometheus", "/api/v1/query"), params={"query": promql}, timeout=5
        )
        result: list[dict[str, Any]] = asked.json()["data"]["result"]
        return result

    def total(self, promql: str) -> float:
        """Return the sum of an instant query's values, 0 for none."""
        return sum(float(row["value"][1]) for row in self.query(promql))

    def notifications(self, **filters: str) -> list[dict[str, Any]]:
        """Ask the responder's journal."""
        asked = requests.get(self.url("responder", "/notifications"), params=filters, timeout=5)
        asked.raise_for_status()
        found: list[dict[str, Any]] = asked.json()
        return found

    def lines(self, service: str) -> list[dict[str, Any]]:
        """Return all JSON log lines of a service's instances, rotated files included."""
        if self.runtime == "compose":
            words = ("--from", "files", "--json", "--lines", EVERYTHING)
            lines = self.alertdrill("logs", service, *words).stdout.split("\n")
        else:
            lines = self._files(service)
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line["logger"] is not None]

    def _files(self, service: str) -> list[str]:
        names = sorted(file.name for file in self.home.glob(f"native/logs/{service}-[0-9].jsonl"))
        texts = [whole_log(self.home / "native" / "logs" / name) for name in names]
        return [line for text in texts for line in text.split("\n")]

    def access_lines(self, service: str, **fields: object) -> list[dict[str, Any]]:
        """Return the access lines of a service that have these fields."""
        return [
            line
            for line in self.lines(service)
            if line["logger"] == "access" and all(line[key] == fields[key] for key in fields)
        ]

    def scrapes_everything(self) -> bool:
        """Tell whether Prometheus scrapes exactly what serves, and the public way in."""
        scraped = {row["metric"]["instance"] for row in self.query("up == 1")}
        ready = {name for name, found in self.instances().items() if found["state"] == "ready"}
        return scraped == {name for name in ready if scraped_at_all(name)} | {"public"}

    def wait_for_scrape(self) -> None:
        """Return when every target was scraped after now."""
        now = time.time()
        poll_until(
            lambda: self.total(f"min(timestamp(up)) > bool {now + 0.1}") == 1,
            "a scrape of every target",
            15,
        )


def scraped_at_all(instance: str) -> bool:
    """Tell whether an instance has metrics; two kinds of containers have none."""
    part = COMPONENTS.get(instance.rpartition("-")[0])
    return part is None or part.job is not None


def whole_log(file: Path) -> str:
    """Return a log with its rotated parts, oldest first: a rotation may cut a line in two."""
    parts = sorted(file.parent.glob(f"{file.name}.[0-9]"), reverse=True)
    return "".join(part.read_text() for part in (*parts, file))


def free_ports() -> dict[str, str]:
    """Return a port for every part, from a block that nobody uses."""
    names = list(Ports.__dataclass_fields__)
    # Two test workers that look at the same moment must not find the same block.
    lowest = 20000 + 5000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2)
    for _ in range(50):
        base = random.randrange(lowest, lowest + 4500, BLOCK + len(names))
        if all(_free(port) for port in range(base, base + BLOCK + len(names))):
            fixed = {f"{name.upper()}_PORT": base + place for place, name in enumerate(names)}
            fixed["INSTANCES_PORT"] = base + len(names)
            return {name: str(port) for name, port in fixed.items()}
    raise RuntimeError(f"No free block of ports from {lowest} on.")


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0


def environment(home: Path, ports: dict[str, str]) -> dict[str, str]:
    """Return the environment of a stack's commands, free of this shell's own settings.

    RUNTIME says which runtime is tested, the native one where it is not set.
    """
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_PORT")}
    compose = os.environ.get("RUNTIME") == "compose"
    own = {
        "ALERTDRILL_HOME": str(home),
        "RUNTIME": "compose" if compose else "native",
        "COMPOSE_PROJECT_NAME": f"alertdrill-{secrets.token_hex(3)}",
        "COLUMNS": "200",
    }
    return {**kept, **ports, **own}


def left_over(stack: Stack) -> Sequence[str]:
    """Return what is left of a stack after `down`: processes, or containers."""
    if stack.runtime == "native":
        return marked(stack.home)
    project = f"label=com.docker.compose.project={stack.environment['COMPOSE_PROJECT_NAME']}"
    listed = [
        subprocess.run(
            ["docker", what, "ls", *more, "--filter", project, "--quiet"],
            env=stack.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for what, more in (("container", ["--all"]), ("network", []), ("volume", []))
    ]
    containers, networks, volumes = listed
    for volume in volumes:  # `down` keeps what must outlive it; a test's need not
        subprocess.run(["docker", "volume", "rm", volume], env=stack.environment, check=True)
    return [*containers, *networks]


def marked(home: Path) -> Sequence[str]:
    """Return the command lines of all processes that belong to the stack at `home`."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"ALERTDRILL_STACK={home}".encode() in environ.read_bytes():
                found.append(
                    (environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
        except OSError:  # gone meanwhile, or another user's
            continue
    return found
