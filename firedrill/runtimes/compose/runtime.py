"""The compose runtime: the interface of every runtime, on top of a Docker engine."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ...errors import FiredrillError
from ...settings import CEILING, SERVICES, StackSettings
from ..base import Instance, Notify, State
from . import lifecycle, scaling
from .engine import Container
from .errors import EngineError, UnknownTargetError
from .hands import Hands
from .places import Outside

# What the engine calls a container's state, and its health while it runs, in every runtime's words.
STATES: Mapping[str, State] = {
    "created": "standby",
    "exited": "stopped",
    "dead": "failed",
    "removing": "stopped",
    "restarting": "starting",
    "paused": "paused",
}
HEALTH: Mapping[str, State] = {"starting": "starting", "unhealthy": "unready"}
# Not instances of anything: they do their work and end.
ONE_SHOTS = ("prepare", "test", "drills")
# How Compose writes a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)")


class ComposeRuntime:
    """The stack as containers of one project; implements `Runtime`."""

    name = "compose"

    def __init__(self, settings: StackSettings) -> None:
        self._hands = Hands(settings)
        self._places = Outside(settings)

    def check(self, notify: Notify) -> None:
        """Check docker-compose.yml without starting anything."""
        lifecycle.check(self._hands, notify)

    def up(self, notify: Notify) -> Sequence[str]:
        """Start what is not running; return one sentence for each optional part not here."""
        return lifecycle.up(self._hands, notify)

    def down(self, notify: Notify) -> None:
        """End everything that `up` started, also after a crash."""
        lifecycle.down(self._hands, notify)

    # Looking

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; empty when the stack is down."""
        found = [one for one in self._hands.engine.containers() if one.service not in ONE_SHOTS]
        return [self._instance(one) for one in found] if any(one.pid for one in found) else []

    def instances(self, service: str) -> Sequence[Instance]:
        """Return the instances of one service, standby ones included."""
        found = [instance for instance in self.status() if instance.service == service]
        if not found:
            raise UnknownTargetError(f"There is no service {service!r}: see `make status`.")
        return found

    def logs(self, target: str | None, lines: int, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (instance, line), the last `lines` of each, then new ones if `follow`."""
        chosen = []
        if target:
            one = self._targets(target)[0]
            index = ["--index", str(one.number)] if target == one.instance else []
            chosen = [*index, one.service]
        more = ["--follow"] if follow else []
        command = self._hands.compose.line(
            "logs", "--no-color", "--tail", str(lines), *more, *chosen
        )
        with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments
            command,
            env=self._hands.compose.environment(),
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout
            try:
                for line in process.stdout:
                    if match := LOGGED.fullmatch(line.rstrip("\n")):
                        yield match[1], match[2]
            finally:
                process.terminate()

    def address(self, part: str) -> str:
        """Return the URL of a part of the stack, such as `prometheus`."""
        return self._places.address(part)

    def addresses(self) -> Mapping[str, str]:
        """Return the URLs for people, by title."""
        return self._places.people({one.service for one in self._hands.running()})

    # Acting

    def start(self, target: str) -> None:
        """Start what was stopped; return when it is ready."""
        chosen = self._wanted(target)
        for one in chosen:
            self._hands.engine.start(one.name)
        scaling.await_ready(self._hands, [one.instance for one in chosen])

    def stop(self, target: str) -> None:
        """Stop gracefully; it stays wanted, so that alerts tell of it."""
        scaling.at_once(self._hands.engine.stop, [one.name for one in self._wanted(target)])

    def kill(self, target: str) -> None:
        """End at once (SIGKILL); the keeper starts it again."""
        self._each(target, lambda name: self._hands.engine.signal(name, "KILL"))

    def pause(self, target: str) -> None:
        """Freeze until `resume`."""
        self._each(target, self._hands.engine.pause)

    def resume(self, target: str) -> None:
        """Let a paused instance go on."""
        for one in self._wanted(target):
            if one.state == "paused":
                self._hands.engine.unpause(one.name)

    def restart(self, target: str) -> None:
        """Stop gracefully and start again, one instance after the other."""
        for one in self._wanted(target):
            self._hands.engine.stop(one.name)
            self._hands.engine.start(one.name)
            scaling.await_ready(self._hands, [one.instance])

    def scale(self, service: str, count: int, notify: Notify) -> None:
        """Have `count` instances of a service serve; the others drain and stand by."""
        if service not in SERVICES:
            raise UnknownTargetError(f"{service!r} does not scale: {', '.join(SERVICES)} do.")
        if not 1 <= count <= CEILING:
            raise FiredrillError(f"{service} scales from 1 to {CEILING}, not to {count}.")
        if not self._hands.running():
            raise EngineError("The stack is down: start it with `make up`.")
        with self._hands.locked():
            scaling.scale(self._hands, service, count, notify)

    # What drills need

    @property
    def speed(self) -> float:
        """Return what every duration of the rules and routes is divided by."""
        return self._hands.settings.speed

    @property
    def rehearsal(self) -> bool:
        """Tell whether this is a run's own stack."""
        return self._hands.settings.rehearsal

    def token(self) -> str:
        """Return the token that `/faults` of the services asks for."""
        raise FiredrillError(INSIDE_ONLY)

    def data(self, part: str) -> Path:
        """Return the folder where a part keeps its data."""
        raise FiredrillError(f"{part}: {INSIDE_ONLY}")

    def scratch(self) -> Path:
        """Return a folder on the stack's file system for files that grow."""
        raise FiredrillError(INSIDE_ONLY)

    def configure(self, part: str, name: str, text: str | None) -> None:
        """Have a part read `text` as its file `name`; None puts back what belongs there."""
        raise FiredrillError(f"{part}/{name} ({text}): {INSIDE_ONLY}")

    def unlist(self, service: str) -> None:
        """Take a service out of what Prometheus scrapes."""
        raise FiredrillError(f"{service}: {INSIDE_ONLY}")

    def relist(self) -> None:
        """Put everything that serves back into what Prometheus scrapes."""
        raise FiredrillError(INSIDE_ONLY)

    def import_series(self, openmetrics: Path) -> None:
        """Give Prometheus the samples of a file, in OpenMetrics."""
        raise FiredrillError(f"{openmetrics}: {INSIDE_ONLY}")

    def forget_series(self) -> None:
        """Delete every sample up to now."""
        raise FiredrillError(INSIDE_ONLY)

    def _instance(self, one: Container) -> Instance:
        return Instance(
            name=one.instance,
            service=one.service,
            state=self._state(one),
            pid=one.pid,
            address=self._places.of(one),
            uptime_seconds=round(time.time() - one.started, 1) if one.pid else None,
        )

    def _state(self, one: Container) -> State:
        if one.state == "running":
            return HEALTH.get(one.health, "ready")
        extra = one.service in SERVICES and one.number > self._hands.scale.scale(one.service)
        return "standby" if extra and one.state == "exited" else STATES[one.state]

    def _targets(self, target: str) -> Sequence[Container]:
        found = self._hands.engine.containers()
        chosen = [one for one in found if target in (one.instance, one.service)]
        if not chosen:
            raise UnknownTargetError(
                f"There is no instance or service {target!r}: see `make status`."
            )
        return chosen

    def _wanted(self, target: str) -> Sequence[Container]:
        """Return the instances of a target that are meant to run."""
        if not self._hands.running():
            raise EngineError("The stack is down: start it with `make up`.")
        chosen = [one for one in self._targets(target) if self._state(one) != "standby"]
        if not chosen:
            raise UnknownTargetError(f"{target} stands by: scale its service to start it.")
        return chosen

    def _each(self, target: str, act: Callable[[str], None]) -> None:
        for one in self._wanted(target):
            if one.pid is not None:
                act(one.name)


INSIDE_ONLY = "only drills do this, from inside the stack's networks."
