"""supervisord: its configuration, its start and its commands."""

from __future__ import annotations

import hashlib
import http.client
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport, UnixStreamHTTPConnection

from ...config import ROOT
from ...errors import AlertdrillError
from ..base import POLL_INTERVAL_S
from ..errors import StackUnavailableError
from . import supervisord_logs, supervisord_processes
from .layout import Layout
from .plan import Process
from .tagged_processes import PROGRAM_TAG, STACK_TAG, signal_instance, variable_of

# The environment variables that the processes inherit. Others, such as a PORT of another
# program, stay out.
ENVIRONMENT_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")
# A log of 10 MiB holds about 25,000 access lines; six files for each instance bound the disk use.
LOG_BYTES, LOG_BACKUPS = 10 * 1024 * 1024, 5
# supervisord answers within a second, also while it starts processes: its methods do not wait.
ANSWER_TIMEOUT_S = 5.0


# What a method may find done already.
HARMLESS = {
    "startProcess": (Faults.ALREADY_STARTED,),
    "stopProcess": (Faults.NOT_RUNNING,),
    "addProcessGroup": (Faults.ALREADY_ADDED,),
    "removeProcessGroup": (Faults.BAD_NAME,),
}


class SupervisorError(AlertdrillError):
    """supervisord did not start, or refused a command."""


class SupervisorUnavailableError(SupervisorError, StackUnavailableError):
    """supervisord does not answer: the stack is down or stopping."""


def render(processes: Sequence[Process], layout: Layout) -> str:
    """Return supervisord's configuration; it starts no process by itself.

    The responder heals a frozen service, and supervisord any other component.
    """
    head = f"""\
[unix_http_server]
file={_plain(layout.supervisor_socket)}
chmod=0700

[supervisord]
logfile={_plain(layout.logs / "supervisord.log")}
logfile_maxbytes=1MB
logfile_backups=2
pidfile={_plain(layout.home / "supervisord.pid")}
childlogdir={_plain(layout.logs)}
directory={_plain(ROOT)}
umask=077
{"user=root" if os.geteuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:logs]
supervisor.rpcinterface_factory = {supervisord_logs.__name__}:make_interface

[rpcinterface:processes]
supervisor.rpcinterface_factory = {supervisord_processes.__name__}:make_interface
"""
    programs = (_program(process, layout, program_digest(process, layout)) for process in processes)
    return "\n".join([head, *programs])


def program_digest(process: Process, layout: Layout) -> str:
    """Return a digest of the configuration of a process, which is in its environment."""
    return hashlib.sha256(_program(process, layout).encode()).hexdigest()[:16]


def _program(process: Process, layout: Layout, digest: str = "") -> str:
    for value in process.environment.values():
        if '"' in value:
            raise SupervisorError(f"{value!r} contains a quote: use another path or value.")
    tag = {supervisord_processes.MAY_BE_FROZEN: "1"} if process.scales else {}
    variables = sorted({**process.environment, **tag, PROGRAM_TAG: digest}.items())
    log = _plain(_plain(layout.logs / process.name))  # supervisord expands a log's path twice
    lb = process.service == "lb"
    return f"""\
[program:{process.name}]
command={_plain(shlex.join(process.command))}
directory={_plain(process.directory)}
environment={",".join(f'{name}="{_plain(value)}"' for name, value in variables)}
autostart=false
autorestart=true
; A program that runs this long has started; otherwise it is tried 10 times, with growing delays.
startsecs=1
startretries=10
stopsignal={process.stop_signal}
stopwaitsecs={math.ceil(process.stop_seconds)}
killasgroup=true
stdout_logfile={log}.jsonl
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOG_BACKUPS}
; HAProxy repeats on stderr, as plain text, what it logs.
redirect_stderr={"false" if lb else "true"}
stderr_logfile={f"{log}.stderr.log" if lb else "NONE"}
stderr_logfile_maxbytes=1MB
stderr_logfile_backups=1
"""


def _plain(value: object) -> str:
    text = str(value)
    # Its parser ends a value at these characters; `;` and `#` only after a space.
    if re.search(r"[\r\n]|\s[;#]", text):
        raise SupervisorError(
            f"{text!r} contains a line break, or a comment sign after a space:"
            " use another path or value."
        )
    return text.replace("%", "%%")


class _Connection(UnixStreamHTTPConnection):  # type: ignore[misc]
    def connect(self) -> None:
        """Connect, and wait for a limited time: a frozen supervisord accepts, and never answers."""
        super().connect()
        self.sock.settimeout(ANSWER_TIMEOUT_S)


class _Transport(SupervisorTransport):  # type: ignore[misc]
    def __init__(self, socket: Path) -> None:
        super().__init__(None, None, f"unix://{socket}")
        self._socket = str(socket)
        self._get_connection = self._connect

    def _connect(self) -> _Connection:
        connection = _Connection("localhost")
        connection.socketfile = self._socket
        return connection


class Supervisor:
    """The supervisord of one stack; commands go through its socket."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def launch(self) -> None:
        """Start supervisord in the background; raise `SupervisorError` with its error."""
        inherited = {name: os.environ[name] for name in ENVIRONMENT_PASSED_ON if name in os.environ}
        config = str(self._layout.supervisor_config)
        result = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "supervisor.supervisord", "-c", config],
            env={**inherited, STACK_TAG: str(self._layout.home)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines()
            # After an error it prints a hint to its help.
            errors = [line for line in lines if line.startswith("Error:")] or lines or ["no reason"]
            raise SupervisorError(f"supervisord did not start: {errors[-1].rstrip('.')}.")

    def is_running(self) -> bool:
        """Return whether supervisord answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except SupervisorError:
            return False

    def pid(self) -> int:
        """Return the process id of supervisord."""
        return int(self._call("getPID"))

    def processes(self) -> Mapping[str, dict[str, Any]]:
        """Return supervisord's information about each process, by name."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def digests(self) -> Mapping[str, str]:
        """Return the `program_digest` that each running process was started with, by name."""
        return {
            name: variable_of(info["pid"], PROGRAM_TAG)
            for name, info in self.processes().items()
            if info["pid"]
        }

    def lost_log_lines(self) -> Mapping[str, float]:
        """Return how many lines of each process did not fit in its log file."""
        lost: Mapping[str, float] = self._call("lost", interface="logs")
        return lost

    def start(self, *names: str) -> None:
        """Start processes without waiting; harmless for one that runs."""
        for name in names:
            self._call("startProcess", name, False)

    def stop(self, *names: str, grace: float | None = None) -> None:
        """Stop processes gracefully and in parallel; return when all have stopped.

        After `grace` seconds the rest is killed; a frozen process reacts to nothing else.
        """
        self.request_stop(*names)
        deadline = math.inf if grace is None else time.monotonic() + grace
        while left := [
            info["pid"] for name, info in self.processes().items() if name in names and info["pid"]
        ]:
            if time.monotonic() >= deadline:
                # supervisord knows that they should stop, so it does not start them again.
                for pid in left:
                    signal_instance(pid, signal.SIGKILL)
            # supervisord kills what is left after `stopwaitsecs`, so this loop ends.
            time.sleep(POLL_INTERVAL_S)

    def request_stop(self, *names: str) -> None:
        """Request processes to stop, without waiting; harmless for one that does not run."""
        for name in names:
            self._call("stopProcess", name, False)

    def reload(self) -> None:
        """Read the configuration again: `add` and `remove` use it from now on."""
        self._call("reloadConfig")

    def add(self, *names: str) -> None:
        """Add processes of the configuration, without starting them; harmless if they are there."""
        for name in names:
            self._call("addProcessGroup", name)

    def remove(self, *names: str) -> None:
        """Remove processes, which do not run; harmless if they are gone."""
        for name in names:
            self._call("removeProcessGroup", name)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process alone, without its workers."""
        self._call("signalProcess", name, number.name.removeprefix("SIG"))

    def shutdown(self) -> None:
        """Stop all processes and then supervisord itself."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object, interface: str = "supervisor") -> Any:
        transport = _Transport(self._layout.supervisor_socket)
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            try:
                return getattr(proxy, f"{interface}.{method}")(*arguments)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode in HARMLESS.get(method, ()):
                    return None
                raise SupervisorError(fault.faultString) from fault
            except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
                raise SupervisorUnavailableError(
                    "supervisord does not answer: start the stack with `make up`."
                ) from error
