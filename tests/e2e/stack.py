"""A stack that a test uses as a person does: by its command line, addresses and logs."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from alertdrill.config import ROOT
from alertdrill.config.settings import Ports, instance_port_range

T = TypeVar("T")
# Tests that make no sense with the other runtime are deselected, so that each skip is a waiver.
native_only = pytest.mark.native
containers_only = pytest.mark.containers
# On a machine that has built none of our images yet, the first start takes minutes.
TIMEOUT_S = 900
# More than all the tests write.
ALL_LINES = "1000000"
# How many ports from INSTANCES_PORT on belong to instances.
BLOCK = instance_port_range() + 1


def poll_until(check: Callable[[], T], what: str, timeout: float) -> T:
    """Return the first true result of `check`; fail after `timeout` seconds and name `what`."""
    deadline = time.monotonic() + timeout
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"Timed out after {timeout:.0f} s: {what}; last result: {answer!r}")
        time.sleep(0.2)


@dataclass
class Stack:
    """A running stack."""

    environment: dict[str, str]
    home: Path
    root: Path = ROOT

    @property
    def runtime(self) -> str:
        """The name of its runtime."""
        return self.environment["RUNTIME"]

    def alertdrill(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run an `alertdrill` command; fail if it fails, unless `check` is false."""
        command = [sys.executable, "-m", "alertdrill", *arguments]
        return self._run(command, f"alertdrill {' '.join(arguments)}", check)

    def start(
        self, *arguments: str, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start an `alertdrill` command, for which the caller waits."""
        return subprocess.Popen(
            [sys.executable, "-m", "alertdrill", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    def _run(
        self, command: Sequence[str], name: str, check: bool
    ) -> subprocess.CompletedProcess[str]:
        completed = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if check and completed.returncode != 0:
            pytest.fail(f"{name}: {completed.stderr}{completed.stdout}")
        return completed

    def run_in_container(self, name: str, code: str, *arguments: str) -> str:
        """Run Python code in a container of the stack, such as `web-1`; return its output."""
        container = f"{self.environment['COMPOSE_PROJECT_NAME']}-{name}"
        return subprocess.run(
            ["docker", "exec", container, "python", "-c", code, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=90,
            check=True,
        ).stdout

    def url(self, part: str, path: str = "") -> str:
        """Return the address of a component: lb, prometheus, responder, lb_stats, ..."""
        return f"http://127.0.0.1:{self.environment[part.upper() + '_PORT']}{path}"

    def instances(self) -> dict[str, dict[str, Any]]:
        """Return every instance by its name."""
        instances = json.loads(self.alertdrill("status", "--json", check=False).stdout)
        return {instance["name"]: instance for instance in instances}

    def send_traced_request(self) -> str:
        """Send a request through the load balancer to the last service; return its trace id."""
        trace = secrets.token_hex(16)
        headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        requests.post(self.url("lb", "/process"), json=[{"x": 1}], headers=headers, timeout=5)
        return trace

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Run an instant query; each result has `metric` and `value`."""
        response = requests.get(
            self.url("prometheus", "/api/v1/query"), params={"query": promql}, timeout=5
        )
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result

    def total(self, promql: str) -> float:
        """Return the sum of an instant query's values, 0 for none."""
        return sum(float(row["value"][1]) for row in self.query(promql))

    def notifications(self, **filters: str) -> list[dict[str, Any]]:
        """Return the notifications that the responder has stored, newest first."""
        response = requests.get(self.url("responder", "/notifications"), params=filters, timeout=5)
        response.raise_for_status()
        notifications: list[dict[str, Any]] = response.json()
        return notifications

    def lines(self, service: str) -> list[dict[str, Any]]:
        """Return all JSON log lines of a service's instances, rotated files included."""
        if self.runtime == "compose":
            words = ("--from", "files", "--json", "--lines", ALL_LINES)
            lines = self.alertdrill("logs", service, *words).stdout.split("\n")
        else:
            lines = self._files(service)
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in parsed if line["logger"] is not None]

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
        """Return whether Prometheus scrapes exactly the ready instances and the public address."""
        scraped = {row["metric"]["instance"] for row in self.query("up == 1")}
        instances = self.instances().items()
        ready = {name for name, instance in instances if instance["state"] == "ready"}
        return scraped == ready | {"public"}

    def wait_for_scrape(self) -> None:
        """Wait until every target was scraped after this call."""
        now = time.time()
        poll_until(
            lambda: self.total(f"min(timestamp(up)) > bool {now + 0.1}") == 1,
            "a scrape of every target",
            15,
        )


def whole_log(file: Path) -> str:
    """Return a log with its rotated parts, oldest first: a rotation may cut a line in two."""
    parts = sorted(file.parent.glob(f"{file.name}.[0-9]"), reverse=True)
    return "".join(part.read_text() for part in (*parts, file))


def free_ports() -> dict[str, str]:
    """Return a port for every component, from a block of ports that are free."""
    names = list(Ports.__dataclass_fields__)
    # Two test workers that search at the same moment must not choose the same block.
    lowest = 20000 + 5000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2)
    for _ in range(50):
        base = random.randrange(lowest, lowest + 4500, BLOCK + len(names))
        if all(_free(port) for port in range(base, base + BLOCK + len(names))):
            ports = {f"{name.upper()}_PORT": base + index for index, name in enumerate(names)}
            ports["INSTANCES_PORT"] = base + len(names)
            return {name: str(port) for name, port in ports.items()}
    raise RuntimeError(f"There is no free block of ports from {lowest} on.")


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0


def environment(home: Path, ports: dict[str, str]) -> dict[str, str]:
    """Return the environment of a stack's commands, without the settings of this shell.

    RUNTIME names the runtime that is tested; the default is native.
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


@contextmanager
def running_stack(home: Path, root: Path = ROOT, **settings: str) -> Iterator[Stack]:
    """Run a stack on ports of its own while the block lasts; nothing of it may outlive that."""
    stack = Stack({**environment(home, free_ports()), **settings}, home, root)
    try:
        stack.alertdrill("up")
        poll_until(stack.scrapes_everything, "every instance to be scraped", 30)
        yield stack
    finally:
        stack.alertdrill("down")
    left = leftovers(stack)
    assert not left, f"`down` left something running: {left}"


def leftovers(stack: Stack) -> Sequence[str]:
    """Return the processes or containers that outlived `down`; remove the volumes of a test."""
    if stack.runtime == "native":
        return processes_of(stack.home)
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
    for volume in volumes:  # `down` keeps volumes
        subprocess.run(["docker", "volume", "rm", volume], env=stack.environment, check=True)
    return [*containers, *networks]


def processes_of(home: Path) -> Sequence[str]:
    """Return the command lines of all processes that belong to the stack at `home`."""
    commands = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"ALERTDRILL_STACK={home}".encode() in environ.read_bytes():
                commands.append(
                    (environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
        except OSError:  # it has ended, or belongs to another user
            continue
    return commands
