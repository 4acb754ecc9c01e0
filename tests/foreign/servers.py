"""Start an application under a server, in a process of its own and in the foreign environment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / os.environ.get("FOREIGN_VENV", ".venv-foreign")
SERVICE = "foreign"
ENTRY_POINT = "tests.foreign.wsgi:application"
THREADS = 4
# Sent to /faults. Faults are on, so that everything of the library is.
FAULTS_TOKEN = "token-of-the-foreign-suite"
# mlflow imports for 10 s; other programs use the machine as well.
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 40.0  # gunicorn gives 30 s to what is in flight
POLL_INTERVAL_S = 0.05


@dataclass(frozen=True, eq=False)
class Server:
    """How an application is served: the arguments of the server, and its environment.

    `bare` is the server of the run that this one is compared with; None if it is bare itself.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    bare: Server | None


GUNICORN = (
    *("gunicorn", "--worker-class", "gthread", "--threads", str(THREADS), "--no-control-socket"),
    # A busy machine imports mlflow for longer than the 30 s after which gunicorn ends a worker.
    *("--timeout", "300", "--bind", "127.0.0.1:{port}", ENTRY_POINT),
)
OUR_GRANIAN = ("python", "-m", "alertdrill_telemetry.granian_server")
OUR_GUNICORN = ("gunicorn", "-c", "python:alertdrill_telemetry.gunicorn_conf")
TELEMETRY = {"FOREIGN_TELEMETRY": SERVICE, "FAULTS_ENABLED": "1", "FAULTS_TOKEN": FAULTS_TOKEN}
OUR_SETTINGS = {
    **{"SERVICE": SERVICE, "PORT": "{port}", "THREADS": str(THREADS), "DRAIN_SECONDS": "0"},
    "APP": ENTRY_POINT,
}

BARE = Server("bare", GUNICORN, {}, None)
INSTRUMENTED = Server("telemetry", GUNICORN, TELEMETRY, BARE)
TWO_WORKERS = Server(
    "two-workers", OUR_GUNICORN, {**OUR_SETTINGS, **TELEMETRY, "WORKERS": "2"}, BARE
)
INSTRUMENTED_ON_GRANIAN = Server(
    "granian",
    OUR_GRANIAN,
    {**OUR_SETTINGS, **TELEMETRY},
    Server("bare-on-granian", OUR_GRANIAN, OUR_SETTINGS, None),
)


class StartError(Exception):
    """The server ended before it listened; the message is what it wrote."""


class Process:
    """A running server, and the files with what it writes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.port = port
        self.stdout = folder / "stdout"
        self.stderr = folder / "stderr"
        self._process = process

    def wait_until_it_listens(self) -> None:
        """Block until the port is open; raise StartError if the server ends instead.

        gunicorn opens the port before it imports the application.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                raise StartError(self.output())
            time.sleep(POLL_INTERVAL_S)
        raise StartError(f"Nothing listens after {START_TIMEOUT_S} s. {self.output()}")

    def wait_until_it_ends(self) -> int:
        """Block until the server ends by itself; return its exit code."""
        return self._process.wait(START_TIMEOUT_S)

    def output(self) -> str:
        """Return what the server wrote."""
        return self.stdout.read_text() + self.stderr.read_text()

    def stop(self) -> int:
        """End the server as an orchestrator does; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()


@contextmanager
def start(application: str, server: Server, folder: Path) -> Iterator[Process]:
    """Start to serve an application of tests/foreign/apps; its files are in `folder`."""
    port = free_port()
    program = VENV / "bin" / server.command[0]
    if not program.exists():
        raise StartError(
            f"{program} is missing: run `make verify PART=foreign`, which installs it."
        )
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [str(program), *(part.format(port=port) for part in server.command[1:])],
            cwd=folder,
            env={
                "PATH": f"{VENV}/bin:{os.environ['PATH']}",
                "HOME": str(folder),
                "TMPDIR": str(folder),
                "PYTHONPATH": str(ROOT),
                "PYTHONHASHSEED": "0",  # else the order of methods in `Allow` differs
                "FOREIGN_APP": application,
                **{name: value.format(port=port) for name, value in server.environment.items()},
            },
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        running = Process(process, port, folder)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def serve(application: str, server: Server, folder: Path) -> Iterator[Process]:
    """Serve an application; raise StartError if it does not start, or ends meanwhile."""
    with start(application, server, folder) as process:
        process.wait_until_it_listens()
        try:
            yield process
        except ConnectionRefusedError as error:
            raise StartError(process.output()) from error


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        return port
