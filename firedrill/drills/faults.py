"""Switch faults on. How each is undone is known before it begins."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from ..errors import FiredrillError
from ..runtimes import Runtime
from ..settings import ROOT
from . import marked
from .ask import Prometheus
from .drill import FaultSpec
from .errors import FaultError
from .kinds import KINDS
from .steps import TIMEOUT, Step, addresses
from .traffic import Traffic

# A file that grows does so this often, in seconds.
GROWTH_STEP = 0.1
# Never more than this share of the free space: the drill must not become the disaster.
MOST_TAKEN = 0.1
# Two instances of a target match it both ways, which PromQL refuses.
FAILING_RULE = """\
groups:
  - name: drill
    rules:
      - record: drill:failing:rule
        expr: up * on () up
"""
# The port for what is to be thrown away (RFC 863), where hardly anybody listens.
NOBODY = "http://127.0.0.1:9/webhook"
BROKEN = "this is not a configuration: ["
# A byte a second: no request of the collector is ever taken.
REFUSING = """\
overrides:
  fake: {ingestion_rate_mb: 0.000001, ingestion_burst_size_mb: 0.000001}
"""


@dataclass(frozen=True)
class Scene:
    """What faults work with. `lasts` is the most seconds that a fault may be needed."""

    runtime: Runtime
    traffic: Traffic
    run: str
    lasts: float


class Fault:
    """A fault: `undo` says how to end it, `inject` begins it.

    `cease` ends what goes on in this process for it, before `undo` is performed.
    """

    def __init__(self, spec: FaultSpec, scene: Scene) -> None:
        self.spec = spec
        self.scene = scene
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def undo(self) -> Sequence[Step]:
        """Return the steps that end the fault."""
        return ()

    def prepare(self) -> None:
        """Do what takes long and is not the fault yet, before its time is taken."""

    def inject(self) -> None:
        """Begin; raise `FaultError` where that can't be."""

    def cease(self) -> None:
        """End what goes on in this process."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def number(self, name: str, default: float) -> float:
        """Return a parameter as it is at the stack's speed."""
        kind, speed = KINDS[self.spec.kind], self.scene.runtime.speed
        value = float(self.spec.parameters.get(name, default))
        if name in kind.grows:
            return value * speed
        return value / speed if name in kind.waits else value

    def again(self, every: float, act: Callable[[], object]) -> None:
        """Act now, and again each `every` seconds until the fault is over."""

        def loop() -> None:
            due = time.monotonic()
            while not self._over.is_set():
                # It may just be down: next time then.
                with contextlib.suppress(FiredrillError, OSError):
                    act()
                due += every
                self._over.wait(max(0.0, due - time.monotonic()))

        self._thread = threading.Thread(target=loop, daemon=True)
        self._thread.start()


class OfService(Fault):
    """A fault that the instances of a service have when they are told to."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that switches it off."""
        return [("faults_off", self.spec.target, self.spec.kind)]

    def inject(self) -> None:
        """Switch it on in every running instance of the target."""
        found = addresses(self.scene.runtime, self.spec.target)
        if not found:
            raise FaultError(f"No instance of {self.spec.target} runs.")
        for address in found:
            self._switch_on(address)

    def _switch_on(self, address: str) -> None:
        body = {name: self.number(name, 0.0) for name in self.spec.parameters}
        url = f"http://{address}/faults/{self.spec.kind}"
        try:
            answer = requests.put(
                url,
                json={**body, "duration": self.scene.lasts},
                headers={"Authorization": f"Bearer {self.scene.runtime.token()}"},
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            raise FaultError(f"{url} does not answer.") from error
        if answer.status_code == 404:
            raise FaultError(f"{url} is not there: drills need FAULTS_ENABLED=1.")
        if not answer.ok:
            raise FaultError(f"{url} answers {answer.status_code}: {answer.text.strip()[:200]}")


class Stop(Fault):
    """Stop the target gracefully."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that starts it again."""
        return [("start", self.spec.target)]

    def inject(self) -> None:
        """Stop it."""
        self.scene.runtime.stop(self.spec.target)


class Kill(Stop):
    """Kill the target again and again; what supervises it starts it each time."""

    def inject(self) -> None:
        """Begin to kill."""
        self.again(self.number("every", 30.0), lambda: self.scene.runtime.kill(self.spec.target))


class Pause(Fault):
    """Freeze the target."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that lets it go on."""
        return [("resume", self.spec.target)]

    def inject(self) -> None:
        """Freeze it."""
        self.scene.runtime.pause(self.spec.target)


class Fill(Fault):
    """Take disk space: where Prometheus counts its own, or more and more of the host's."""

    @property
    def _file(self) -> Path:
        if self.spec.parameters["where"] == "host":
            return self.scene.runtime.scratch() / "drill.fill"
        return self.scene.runtime.data("prometheus") / "wal" / "drill.fill"

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that gives the space back."""
        return [("remove", str(self._file))]

    def inject(self) -> None:
        """Take the space, or begin to."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self.spec.parameters["where"] == "prometheus":
            self._grow(self._missing())
            return
        free = shutil.disk_usage(self._file.parent).free
        rate = self.number("share_per_second", 0.001) * free
        begun = time.monotonic()
        self.again(
            GROWTH_STEP,
            lambda: self._grow(min(rate * (time.monotonic() - begun), MOST_TAKEN * free)),
        )

    def _missing(self) -> float:
        """Return how many bytes Prometheus's storage is short of the share that is asked for."""
        prometheus = Prometheus(self.scene.runtime.address("prometheus"))
        limit = prometheus.value("prometheus_tsdb_retention_limit_bytes")
        used = prometheus.value(
            "prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"
            " + prometheus_tsdb_head_chunks_storage_size_bytes"
        )
        if not limit or used is None:
            raise FaultError("Prometheus has no size limit: set PROMETHEUS_RETENTION_SIZE.")
        missing = self.number("to", 0.95) * limit - used
        if missing > MOST_TAKEN * shutil.disk_usage(self._file.parent).free:
            raise FaultError(
                "To fill Prometheus's storage would take too much of the disk's free space:"
                " lower PROMETHEUS_RETENTION_SIZE."
            )
        return missing

    def _grow(self, size: float) -> None:
        with self._file.open("ab") as file:
            if size >= 1:
                os.posix_fallocate(file.fileno(), 0, int(size))


class Strain(Fault):
    """Use up the host's processors or its memory, in a process of its own."""

    _process: subprocess.Popen[str] | None = None

    @property
    def undo(self) -> Sequence[Step]:
        """Return nothing: the process ends with this one's pipe."""
        return []

    def prepare(self) -> None:
        """Start the process and wait until it is ready, which takes a host's memory a while."""
        shares = [f"{self.number(name, 0.0)}" for name in KINDS[self.spec.kind].numbers]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "firedrill.drills.strain", self.spec.kind, *shares],
            env=marked.environment(self.scene.run),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise FaultError(f"The process of {self.spec} ended by itself.")

    def inject(self) -> None:
        """Let the process begin."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def cease(self) -> None:
        """End the process."""
        super().cease()
        if self._process:
            self._process.communicate()


class Configure(Fault):
    """Give a part a configuration that it can't work with, or a rule that fails."""

    def _what(self) -> tuple[str, str, str]:
        if self.spec.kind == "rule":
            return "prometheus", "rules.d/drill.yml", FAILING_RULE
        if self.spec.parameters["part"] == "prometheus":
            return "prometheus", "scrape.d/drill.yml", BROKEN
        if self.spec.parameters["part"] == "webhook":
            return "alertmanager", "webhook_url", NOBODY
        if self.spec.parameters["part"] == "loki":
            return "loki", "overrides.yml", REFUSING
        return "alertmanager", "alertmanager.yml", BROKEN

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that takes it away again."""
        return [("configure", *self._what()[:2])]

    def inject(self) -> None:
        """Put it there and have it read."""
        self.scene.runtime.configure(*self._what())


class Unlist(Fault):
    """Take the target out of what Prometheus scrapes."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that puts it back."""
        return [("relist",)]

    def inject(self) -> None:
        """Take it out."""
        self.scene.runtime.unlist(self.spec.target)


class NoLoad(Fault):
    """End the load; it comes back when the fault is over."""

    def inject(self) -> None:
        """End it."""
        self.scene.traffic.pause()

    def cease(self) -> None:
        """Start it again."""
        self.scene.traffic.resume()


class Scan(Fault):
    """Ask the load balancer for pages that are not there, beside the load."""

    def inject(self) -> None:
        """Begin to ask."""
        url = f"{self.scene.runtime.addresses()['Services'].rstrip('/')}/no-such-page"
        every = 1 / self.number("requests_per_second", 1.0)
        self.again(every, lambda: requests.get(url, timeout=TIMEOUT))


RUNTIME_FAULTS: Mapping[str, type[Fault]] = {
    "stop": Stop,
    "kill": Kill,
    "pause": Pause,
    "fill": Fill,
    "burn": Strain,
    "hog": Strain,
    "config": Configure,
    "rule": Configure,
    "unlist": Unlist,
    "no_load": NoLoad,
    "scan": Scan,
}


def make(spec: FaultSpec, scene: Scene) -> Fault:
    """Return the fault that a drill asks for; nothing is touched yet."""
    made = OfService if KINDS[spec.kind].of_services else RUNTIME_FAULTS[spec.kind]
    return made(spec, scene)
