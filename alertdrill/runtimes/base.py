"""The protocols of the runtimes, for the command line, the drills and the control API.

A runtime implements what it can do:

=================  =============  ============  ============  ===========
Runtime            ControlTarget  RunningStack  StackRuntime  FaultTarget
=================  =============  ============  ============  ===========
native             yes            yes           yes           yes
Compose, host      yes            yes           yes
Compose, network   yes            yes                         yes
Swarm              yes
=================  =============  ============  ============  ===========

Every method raises `AlertdrillError` with one sentence that says what to do.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ..config import ROOT
from ..config.service import SECRETS, Service
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..file_lock import file_lock
from ..toolchain.cache import default_cache
from .errors import NotReadyError, StackUnavailableError, UnknownTargetError

# `ready`: its probe succeeds. `standby`: stopped on purpose, beyond the service's replica count.
State = Literal["ready", "unready", "starting", "stopped", "standby", "paused", "failed"]
ProgressCallback = Callable[[str], None]
# The container label, and Swarm's service label, with which the responder may heal a service.
HEAL_LABEL = "alertdrill.heal"
# A component that a person has stopped is started again after this time at speed 1: longer than a
# restart by hand takes, and than any drill needs.
MAX_STOPPED_S = 600.0
HEAL_VALUES = ("true", "1")
POLL_INTERVAL_S = 0.1
SERVER_LOGGERS = ("_granian", "gunicorn.error")
# The end of a traceback, before which a server that prints text may close brackets of its own.
FRAME = re.compile(r'\s+File "(.+)", line (\d+)')
# Code that is not the application's.
INSTALLED = re.compile(r"site-packages|/lib/python|/alertdrill_telemetry/|^<")
MISSING_MODULE = re.compile(r"ModuleNotFoundError: ")
TRACEBACK_END = re.compile(r"[A-Za-z_.]+(Error|Exception|Exit): ")
# Of a log line in a message.
MAX_LINE = 400
# The path at which the control API tells Prometheus whether the supervisor answers.
SUPERVISOR_METRICS = "/supervisor/metrics"


@dataclass(frozen=True)
class Instance:
    """One running or standby replica of a service, or of a component of the stack."""

    name: str
    service: str
    state: State
    pid: int | None
    address: str
    uptime_seconds: float | None
    # Whether it has the heal label: the responder may restart it and scale its service.
    healing_enabled: bool = False
    # Where it answers `/healthz`, `/readyz`, `/metrics` and `/faults`; empty if it does not.
    ops_address: str = ""


class ControlTarget(Protocol):
    """The operations that the control API needs."""

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down."""

    def restart(self, target: str, grace: float | None = None) -> None:
        """Stop a target gracefully and start it again; return when it is ready.

        After `grace` seconds the rest is killed, even if it is frozen: 0 kills at once, None keeps
        the target's own grace period.
        """

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances; the others drain and go on standby."""


@runtime_checkable
class SupervisedRuntime(Protocol):
    """A runtime with a supervisor of its own, which writes the log files: native."""

    def supervisor_answers(self) -> bool:
        """Return whether the supervisor answers."""

    def watch_supervisor(self) -> None:
        """Start the supervisor again whenever it is killed; never return."""

    def lost_log_lines(self) -> Mapping[str, float]:
        """Return how many lines of each process did not fit in its log file."""


@runtime_checkable
class EphemeralStackOwner(Protocol):
    """A runtime whose ephemeral stacks stay on the host if their run is killed: Compose."""

    def ephemeral_stacks(self) -> Sequence[str]:
        """Return a sentence for each ephemeral stack of this checkout."""


@runtime_checkable
class SupervisedStack(Protocol):
    """A runtime whose supervisor is a process of this user: native, supervisord."""

    # Its name.
    supervisor_name: str

    def signal_supervisor(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor alone; harmless if it does not run."""


class RunningStack(ControlTarget, Protocol):
    """A stack that is up: its instances and its addresses.

    `target` names an instance, or a service for all of its instances, one after the other.
    """

    name: str
    # The divisor of every duration in rules and routes; 1 is real time.
    speed: float
    # Whether this is an ephemeral stack, whose series may be backfilled and deleted.
    ephemeral: bool

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire.

        `grace` is as in `restart`.
        """

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); its supervisor starts it again."""

    def pause(self, target: str) -> None:
        """Freeze a target (SIGSTOP) until `resume`."""

    def resume(self, target: str) -> None:
        """Resume a paused target."""

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""


@runtime_checkable
class StackRuntime(RunningStack, Protocol):
    """A way to start, stop and watch a stack, on its host."""

    # Whether `follow` includes instances that start later.
    follows_new_instances: bool

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything."""

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out.

        Raises `ServiceNotReadyError` if only services of ours do not become ready: all else runs.
        """

    def renew(self, service: str, on_progress: ProgressCallback) -> None:
        """Run the present code of a service in all of its instances, and lose no request.

        Raises an `AlertdrillError` if it does not become ready; then at least one old one stays.
        """

    def execute(self, service: str, command: Sequence[str]) -> int:
        """Run a command with the code, environment and files of a service; return its exit code.

        It has this terminal, and is no instance: it gets no requests.
        """

    def test(self, service: str, arguments: Sequence[str]) -> int:
        """Run the tests of a service as `execute` runs a command; return their exit code."""

    def down(self, on_progress: ProgressCallback) -> None:
        """Stop everything that `up` started, also after a crash."""

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept.

        The lines of one instance are in order; instances are in any order.
        """

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another.

        Read each batch before you ask for the next. The iterator ends only when its reader stops.
        """


class FaultTarget(RunningStack, Protocol):
    """A stack that drills can break, and that has the secrets and folders that they need."""

    def break_config(self, component: str, name: str, text: str) -> None:
        """Replace a component's configuration file `name` with `text`.

        `name` is a main configuration file of the component, or an extra file in prometheus's
        `rules.d/*.yml` or `scrape.d/*.yml`. The committed files stay unchanged.
        """

    def restore_config(self, component: str, name: str) -> None:
        """Restore a component's configuration file; delete an extra file."""

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets."""

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus; only in an ephemeral stack."""

    def delete_series(self) -> None:
        """Delete every sample up to now; only in an ephemeral stack."""

    def faults_token(self) -> str:
        """Return the token for `/faults` of the services."""

    def responder_token(self) -> str:
        """Return the token for the responder's API."""

    def alertmanager_password_file(self) -> Path:
        """Return the file with Alertmanager's password."""

    def data_folder(self, component: str) -> Path:
        """Return the data folder of a component."""

    def scratch_folder(self) -> Path:
        """Return a folder on the stack's file system for files that grow; `down` deletes it."""

    def resolve_url(self, link: str) -> str:
        """Return the URL of a notification's link as this process can reach it."""


def instances_of(service: str, status: Sequence[Instance]) -> Sequence[Instance]:
    """Return the instances of one service among those of a stack, those on standby included."""
    instances = [instance for instance in status if instance.service == service]
    if not instances:
        raise UnknownTargetError(f"no service named {service!r}: see `make status`.")
    return instances


def running_ops_addresses(target: str, status: Sequence[Instance]) -> Sequence[str]:
    """Return where the running instances of a target (service or instance) answer operations."""
    return [
        instance.ops_address
        for instance in status
        if target in (instance.name, instance.service) and instance.pid is not None
    ]


def require_service(name: str) -> Service:
    """Return a service by its name; raise `UnknownTargetError` if there is none."""
    if name not in SERVICES:
        raise UnknownTargetError(f"no service named {name!r}: use {', '.join(SERVICES)}.")
    return SERVICES[name]


def test_command(service: Service, python: str) -> Sequence[str]:
    """Return the command that tests a service; raise `UnknownTargetError` without tests.

    `python` is the program that has pytest.
    """
    if service.test:
        return shlex.split(service.test)
    if service.path or not (ROOT / service.tests).is_dir():
        raise UnknownTargetError(
            f"{service.name} has no tests: write them in {service.tests}, or add test, as in"
            " `test: python -m pytest`, to its entry in apps/services.yml."
        )
    return [python, "-m", "pytest", "-n0", "-p", "no:cacheprovider", service.tests]


def require_secrets(service: Service) -> None:
    """Raise `StackUnavailableError` if the operator has still to provide a secret of a service."""
    for name, origin in service.secrets.items():
        file = ROOT / SECRETS / service.name / name
        if origin == "provided" and not (file.is_file() and file.stat().st_size):
            raise StackUnavailableError(
                f"{service.name} needs the secret {name}: write it to {file}."
            )


def last_error(lines: Iterable[str]) -> str:
    """Return the last line about an error, or else the last one; empty if there is none.

    Of an error that is its message, with the exception's type and place. Servers log more about the
    end of a worker than its reason; of a module that is missing, all later errors follow.
    """
    last = error = place = ""
    for line in filter(str.strip, lines):
        last = line
        if match := FRAME.match(line):
            place = place if INSTALLED.search(match[1]) else f" ({match[1]}:{match[2]})"
        elif MISSING_MODULE.match(line):
            return f"{line}{place}"[:MAX_LINE]
        elif TRACEBACK_END.match(line):
            error = f"{line}{place}"
        with suppress(ValueError, AttributeError):  # it is no JSON object
            record = json.loads(line)
            is_error = record.get("level") in ("ERROR", "CRITICAL")
            if is_error and record.get("logger") not in SERVER_LOGGERS:
                cause = _cause(record.get("exception") or {})
                error = f"{record.get('message', line)} {cause}".rstrip()
    return (error or last)[:MAX_LINE]


def _cause(exception: Mapping[str, str]) -> str:
    """Return the type, the message and the place of an exception in a log line."""
    frames = map(FRAME.match, exception.get("stack", "").splitlines())
    places = [match for match in frames if match and not INSTALLED.search(match[1])]
    place = f" ({places[-1][1]}:{places[-1][2]})" if places else ""
    kind, message = exception.get("type", ""), exception.get("message", "")
    return f"{kind.removeprefix('builtins.')}: {message}{place}" if kind else message


def check_replicas(service: str, count: int) -> None:
    """Raise an `AlertdrillError` if the service can't be scaled to `count`."""
    if service not in SERVICES:
        raise UnknownTargetError(f"{service!r} can't be scaled: use {', '.join(SERVICES)}.")
    highest = SERVICES[service].replicas.max
    if not 1 <= count <= highest:
        raise AlertdrillError(f"{service} scales from 1 to {highest} instances, not to {count}.")


def project_lock(settings: StackSettings) -> AbstractContextManager[object]:
    """Lock the project for this user; raise `LockedError` if another run holds the lock.

    Projects belong to the engine, so the folder of the checkout does not matter.
    """
    folder = (settings.cache or default_cache()) / "locks"
    return file_lock(
        folder / settings.project,
        f"Another run uses the containers of {settings.project}: wait for it to end, or set"
        " COMPOSE_PROJECT_NAME to another name.",
    )


def wait_until(check: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    """Poll `check` until it is true; raise `NotReadyError` with `what` was awaited."""
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            raise NotReadyError(f"Timed out after {timeout:.0f} s waiting for {what}.")
        time.sleep(POLL_INTERVAL_S)
