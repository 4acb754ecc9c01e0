"""The native runtime: `up` to `address`, on top of supervisord."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...errors import FiredrillError
from ...programs import CATALOGUE, default_cache, locate
from ...settings import CEILING, StackSettings
from ..base import Instance, Notify, State
from . import configs, ports, processes, readiness, scaling, supervisor, tail
from .layout import Layout
from .lb import LoadBalancer
from .plan import SERVICES, Plan, Process, make_plan
from .state import ScaleState
from .supervisor import Supervisor

# What supervisord calls a process, in the words of every runtime.
STATES: Mapping[str, State] = {
    "STARTING": "starting",
    "BACKOFF": "starting",
    "STOPPING": "stopped",
    "STOPPED": "stopped",
    "EXITED": "failed",
    "FATAL": "failed",
}


class NotRunningError(FiredrillError):
    """The stack is down."""


class UnknownTargetError(FiredrillError):
    """There is no such instance or service."""


class NativeRuntime:
    """The stack as plain processes of this user; implements `Runtime`."""

    name = "native"

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._layout = Layout(settings.home / "native")
        self._supervisor = Supervisor(self._layout)
        self._scale = ScaleState(self._layout.state, settings)
        self._lb = LoadBalancer(self._layout.lb_socket, self._layout.lb_state)

    # Up and down

    def up(self, notify: Notify) -> Sequence[str]:
        """Start what is not running; return one sentence for each optional part not here."""
        cache = self._settings.cache or default_cache(os.environ)
        located = locate(CATALOGUE, cache, notify)
        with self._locked():
            self._layout.make()
            plan = make_plan(self._settings, self._layout, located.programs, self._token())
            rendered = supervisor.render(plan.processes, self._layout)
            if self._supervisor.alive() and self._same(rendered):
                self._start(self._scale.wanted(plan), notify)
                return located.missing
            self._end(notify)
            try:
                self._begin(
                    plan,
                    rendered,
                    notify,
                    lambda: configs.check(self._layout, plan, located.programs),
                )
            except BaseException:
                self._end(notify)  # also on Ctrl-C: what is half up is of no use
                raise
        return located.missing

    def _begin(self, plan: Plan, rendered: str, notify: Notify, check: Callable[[], None]) -> None:
        self._check_ports(plan)
        configs.write(self._layout, plan, self.address("responder"))
        check()
        self._scale.reset()
        self._layout.lb_state.unlink(missing_ok=True)
        self._layout.supervisor_config.write_text(rendered)
        wanted = self._scale.wanted(plan)
        configs.write_service_targets(self._layout, _services(wanted))
        supervisor.start(self._layout)
        self._start(wanted, notify)
        for process in plan.processes:
            if process.scales and process not in wanted:
                self._lb.set(process.service, process.name, "maint")

    def _start(self, wanted: Sequence[Process], notify: Notify) -> None:
        known = self._supervisor.processes()
        for process in wanted:
            if known[process.name]["statename"] not in ("RUNNING", "STARTING"):
                self._supervisor.start(process.name)
        readiness.wait(
            wanted, self._word, self._layout, lambda process: notify(f"{process.name} serves")
        )
        for service in SERVICES:
            readiness.until(
                lambda service=service: self._lb.is_up(service, "BACKEND"),  # type: ignore[misc]
                f"the load balancer to see {service}",
            )

    def down(self, notify: Notify) -> None:
        """End everything that `up` started, also after a crash."""
        if self._layout.home.exists():
            with self._locked():
                self._end(notify)

    def _end(self, notify: Notify) -> None:
        """Traffic ends first, so that the services have nothing left to drain."""
        if self._supervisor.alive():
            notify("stopping")
            self._supervisor.stop("lb-1")
            known = self._supervisor.processes()
            self._supervisor.begin_stop(*known)
            for info in known.values():
                if info["pid"] and info["name"].startswith(tuple(SERVICES)):
                    processes.signal_instance(info["pid"], signal.SIGCONT)
                    processes.signal_instance(info["pid"], signal.SIGQUIT)
            self._supervisor.shutdown()
            deadline = time.monotonic() + processes.PATIENCE
            while processes.of_stack(self._home) and time.monotonic() < deadline:
                time.sleep(readiness.STEP)
        left = processes.of_stack(self._home)
        if left:
            notify(f"ending {len(left)} processes that were left over")
            processes.end(left)
        self._layout.supervisor_socket.unlink(missing_ok=True)

    def _check_ports(self, plan: Plan) -> None:
        variables = {
            value: f"{name.upper()}_PORT" for name, value in vars(self._settings.ports).items()
        }
        wanted = {
            port: variables.get(port, "INSTANCES_PORT")
            for process in plan.processes
            for port in (process.port, *process.more_ports)
        }
        ports.check(wanted, "127.0.0.1")

    # Looking

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; empty when the stack is down."""
        if not self._supervisor.alive():
            return []
        plan = self._plan()
        known = self._supervisor.processes()
        wanted = {process.name for process in self._scale.wanted(plan)}
        return [
            self._instance(process, known[process.name], process.name in wanted)
            for process in plan.processes
            if process.name in known
        ]

    def instances(self, service: str) -> Sequence[Instance]:
        """Return the instances of one service, standby ones included."""
        found = [instance for instance in self.status() if instance.service == service]
        if not found:
            raise UnknownTargetError(f"There is no service {service!r}: see `make status`.")
        return found

    def _instance(self, process: Process, info: Mapping[str, object], wanted: bool) -> Instance:
        pid = int(str(info["pid"])) or None
        began = float(str(info["start"]))
        return Instance(
            name=process.name,
            service=process.service,
            state=self._state(process, str(info["statename"]), pid, wanted),
            pid=pid,
            address=process.address,
            uptime_seconds=round(time.time() - began, 1) if pid else None,
        )

    @staticmethod
    def _state(process: Process, word: str, pid: int | None, wanted: bool) -> State:
        if word in STATES:
            return "standby" if STATES[word] == "stopped" and not wanted else STATES[word]
        if pid is not None and processes.is_paused(pid):
            return "paused"
        return "ready" if readiness.answers(process) else "unready"

    def logs(self, target: str | None, lines: int, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (instance, line), the last `lines` of each, then new ones if `follow`."""
        names = [
            process.name
            for process in (self._targets(target) if target else self._plan().processes)
        ]
        files = {name: self._layout.logs / f"{name}.jsonl" for name in names}
        for name, file in files.items():
            for line in tail.last_lines(file, lines):
                yield name, line
        if follow:
            yield from tail.follow(files)

    def address(self, part: str) -> str:
        """Return the URL of a part of the stack, such as `prometheus`."""
        port = getattr(self._settings.ports, part.replace("-", "_"), None)
        if port is None:
            raise UnknownTargetError(f"There is no part {part!r}: see `make status`.")
        return f"http://127.0.0.1:{port}"

    def addresses(self) -> Mapping[str, str]:
        """Return the URLs for people, by title."""
        return self._plan().addresses

    # Acting on instances

    def start(self, target: str) -> None:
        """Start what was stopped; return when it is ready."""
        chosen = self._running_targets(target)
        for process in chosen:
            self._supervisor.start(process.name)
        readiness.wait(chosen, self._word, self._layout)

    def stop(self, target: str) -> None:
        """Stop gracefully; it stays wanted, so that alerts tell of it."""
        chosen = self._running_targets(target)
        self._supervisor.stop(*(process.name for process in chosen))

    def kill(self, target: str) -> None:
        """End at once (SIGKILL); supervisord starts it again."""
        self._signal(target, signal.SIGKILL)

    def pause(self, target: str) -> None:
        """Freeze (SIGSTOP) until `resume`."""
        self._signal(target, signal.SIGSTOP)

    def resume(self, target: str) -> None:
        """Let a paused instance go on."""
        self._signal(target, signal.SIGCONT)

    def restart(self, target: str) -> None:
        """Stop gracefully and start again, one instance after the other."""
        for process in self._running_targets(target):
            self._supervisor.stop(process.name)
            self._supervisor.start(process.name)
            readiness.wait([process], self._word, self._layout)

    def scale(self, service: str, count: int, notify: Notify) -> None:
        """Have `count` instances of a service serve; the others drain and stand by."""
        if service not in SERVICES:
            raise UnknownTargetError(f"{service!r} does not scale: {', '.join(SERVICES)} do.")
        if not 1 <= count <= CEILING:
            raise FiredrillError(f"{service} scales from 1 to {CEILING}, not to {count}.")
        self._require_running()
        with self._locked():
            plan = self._plan()
            scaling.scale(
                scaling.Hands(self._supervisor, self._lb, self._layout, self._scale),
                plan,
                service,
                count,
                notify,
            )

    # Shared

    def _plan(self) -> Plan:
        located = locate(
            CATALOGUE, self._settings.cache or default_cache(os.environ), lambda _: None
        )
        return make_plan(self._settings, self._layout, located.programs, self._token())

    def _targets(self, target: str) -> Sequence[Process]:
        plan = self._plan()
        one = plan.process(target)
        chosen = [one] if one else plan.of(target)
        if not chosen:
            raise UnknownTargetError(
                f"There is no instance or service {target!r}: see `make status`."
            )
        return chosen

    def _running_targets(self, target: str) -> Sequence[Process]:
        """Return the instances of a target that are meant to run."""
        self._require_running()
        wanted = self._scale.wanted(self._plan())
        chosen = [process for process in self._targets(target) if process in wanted]
        if not chosen:
            raise UnknownTargetError(f"{target} stands by: scale its service to start it.")
        return chosen

    def _signal(self, target: str, number: signal.Signals) -> None:
        chosen = self._running_targets(target)
        known = self._supervisor.processes()
        for process in chosen:
            if pid := known[process.name]["pid"]:
                processes.signal_instance(pid, number)

    def _require_running(self) -> None:
        if not self._supervisor.alive():
            raise NotRunningError("The stack is down: start it with `make up`.")

    def _word(self, name: str) -> str:
        return str(self._supervisor.processes()[name]["statename"])

    def _same(self, rendered: str) -> bool:
        config = self._layout.supervisor_config
        return config.exists() and config.read_text() == rendered

    def _token(self) -> str:
        """Return the token for `/faults`, made at random the first time."""
        if not self._layout.token.exists():
            self._layout.make()
            self._layout.token.touch(mode=0o600)
            self._layout.token.write_text(secrets.token_urlsafe(32))
        return self._layout.token.read_text().strip()

    @property
    def _home(self) -> str:
        return str(self._layout.home)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._layout.make()
        with self._layout.lock.open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise FiredrillError(
                    "Another firedrill command is changing this stack: wait for it to end."
                ) from None
            yield


def _services(wanted: Sequence[Process]) -> list[Process]:
    return [process for process in wanted if process.job == "services"]
