"""The load of a drill: a Locust process, as a user would start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..config import ROOT
from .model import NO_LOAD, DrillError, LoadSpec
from .undo import tagged_environment

# On SIGTERM, Locust lets its users finish their requests first.
STOP_TIMEOUT_S = 10.0


class Traffic:
    """At most one load at a time against the load balancer at `host`; `spec` is the current one."""

    def __init__(self, host: str, run_id: str, log: Path) -> None:
        # Locust appends paths, which begin with a slash.
        self._host = host.rstrip("/")
        self._run_id = run_id
        self._log = log
        self.spec = NO_LOAD
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self, spec: LoadSpec) -> None:
        """Run this load and no other; keep the current process if it has the same load."""
        if spec == self.spec and (spec.shape == "none" or self.is_running()):
            return
        self.stop()
        self.spec = spec
        if spec.shape != "none":
            self._start(spec)

    def is_running(self) -> bool:
        """Return whether a load is running."""
        return self._process is not None and self._process.poll() is None

    def require_running(self) -> None:
        """Raise `DrillError` if there should be a load and its process has ended."""
        if self.spec.shape != "none" and not self.is_running():
            lines = self._log.read_text(errors="replace").strip().splitlines() or ["no output"]
            raise DrillError(f"Locust has ended: {lines[-1].rstrip('.')}.")

    def stop(self) -> None:
        """Stop the load, if one is running."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        self.spec = NO_LOAD

    def _start(self, spec: LoadSpec) -> None:
        command = [
            sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
            "--headless", "--host", self._host, "--users", str(spec.users),
            "--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING",
        ]  # fmt: skip
        environment = {
            **tagged_environment(self._run_id),
            "LOAD_SHAPE": spec.shape,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only the run, which then stops this
            )
