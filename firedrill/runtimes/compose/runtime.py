"""The compose runtime: the interface of every runtime, on top of a Docker engine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import FiredrillError
from ...settings import CEILING, SERVICES, StackSettings
from ..base import Notify
from . import lifecycle, scaling
from .containers import Containers
from .errors import EngineError, UnknownTargetError
from .hands import Hands
from .places import Outside

# How Compose writes a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)")


class ComposeRuntime(Containers):
    """The stack as containers of one project, from its host; implements `Runtime`."""

    def __init__(self, settings: StackSettings) -> None:
        self._hands = Hands(settings)
        super().__init__(settings, self._hands.engine, self._hands.scale, Outside(settings))

    def check(self, notify: Notify) -> None:
        """Check docker-compose.yml without starting anything."""
        lifecycle.check(self._hands, notify)

    def up(self, notify: Notify) -> Sequence[str]:
        """Start what is not running; return one sentence for each optional part not here."""
        return lifecycle.up(self._hands, notify)

    def down(self, notify: Notify) -> None:
        """End everything that `up` started, also after a crash."""
        lifecycle.down(self._hands, notify)

    def scale(self, service: str, count: int, notify: Notify) -> None:
        """Have `count` instances of a service serve; the others drain and stand by."""
        if service not in SERVICES:
            raise UnknownTargetError(f"{service!r} does not scale: {', '.join(SERVICES)} do.")
        if not 1 <= count <= CEILING:
            raise FiredrillError(f"{service} scales from 1 to {CEILING}, not to {count}.")
        if not self._engine.running():
            raise EngineError("The stack is down: start it with `make up`.")
        with self._hands.locked():
            fresh = scaling.begin(self._hands, service, count)
            self._await_ready(fresh)
            scaling.end(self._hands, service, count, notify)

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

    # What drills need, which run inside

    def token(self) -> str:
        """Refuse: the token is on a volume."""
        raise FiredrillError(INSIDE_ONLY)

    def data(self, part: str) -> Path:
        """Refuse: data is on volumes."""
        raise FiredrillError(INSIDE_ONLY)

    def scratch(self) -> Path:
        """Refuse: the engine's file system may be another host's."""
        raise FiredrillError(INSIDE_ONLY)

    def configure(self, part: str, name: str, text: str | None) -> None:
        """Refuse: configurations are on a volume."""
        raise FiredrillError(INSIDE_ONLY)

    def unlist(self, service: str) -> None:
        """Refuse: the targets are on a volume."""
        raise FiredrillError(INSIDE_ONLY)

    def relist(self) -> None:
        """Refuse: the targets are on a volume."""
        raise FiredrillError(INSIDE_ONLY)

    def import_series(self, openmetrics: Path) -> None:
        """Refuse: the series are on a volume."""
        raise FiredrillError(INSIDE_ONLY)

    def forget_series(self) -> None:
        """Refuse: nobody outside may delete series."""
        raise FiredrillError(INSIDE_ONLY)


INSIDE_ONLY = "Only drills do this, from inside the stack's networks: use `make drill`."
