"""The load of a drill: Locust, started as a user would start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..settings import ROOT
from . import marked
from .drill import LoadSpec
from .errors import DrillError

# Locust lets its users finish and then leaves.
PATIENCE = 10.0


class Traffic:
    """At most one load at a time against the load balancer at `host`."""

    def __init__(self, host: str, run: str, log: Path) -> None:
        # Locust puts paths behind it, which begin with a slash themselves.
        self._host = host.rstrip("/")
        self._run = run
        self._log = log
        self._spec = LoadSpec(None, 0)
        self._paused: LoadSpec | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self, spec: LoadSpec) -> None:
        """Have this load run, and no other; keep the one that runs where it is the same."""
        if spec == self._spec and (spec.shape is None or self.runs()):
            return
        self.stop()
        self._spec = spec
        if spec.shape is not None:
            self._start(spec)

    def runs(self) -> bool:
        """Say whether a load is running."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the load; harmless where none runs."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        self._spec = LoadSpec(None, 0)

    def pause(self) -> None:
        """End the load for a while; harmless where none runs."""
        spec = self._spec
        self.stop()
        self._paused = spec

    def resume(self) -> None:
        """Start again what was paused."""
        if self._paused is not None:
            self.ensure(self._paused)
        self._paused = None

    def _start(self, spec: LoadSpec) -> None:
        command = [
            sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
            "--headless", "--host", self._host, "--users", str(spec.users),
            "--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING",
        ]  # fmt: skip
        environment = {**marked.environment(self._run), "LOAD_SHAPE": str(spec.shape)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the run, which then ends this
            )

    def require(self) -> None:
        """Raise `DrillError` where the load should run and does not."""
        if self._spec.shape is not None and not self.runs():
            lines = self._log.read_text(errors="replace").strip().splitlines() or ["no reason"]
            raise DrillError(f"Locust did not run: {lines[-1].rstrip('.')}.")
