"""The compose runtime: the interface of every runtime, on top of a Docker engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...errors import AlertdrillError
from ...settings import StackSettings
from ..base import Notify
from . import lifecycle, prepare, scaling
from .containers import Containers
from .errors import EngineAwayError, EngineError
from .hands import Hands
from .lines import added, kept, now
from .places import Outside
from .scale import check_scale


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
        check_scale(service, count)
        if not self._engine.running():
            raise EngineAwayError("The stack is down: start it with `make up`.")
        with self._hands.locked():
            fresh = scaling.begin(self._hands, service, count)
            self._await_ready(fresh)
            scaling.end(self._hands, service, count, notify)

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line), the last `lines` of each instance, or all that are kept."""
        yield from kept(self._hands.compose, self._chosen(target), lines, now())

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield what `logs` would, at once, then again and again what was added, if anything."""
        chosen, moment = self._chosen(target), now()
        yield kept(self._hands.compose, chosen, lines, moment)
        yield from added(self._hands.compose, chosen, moment)

    def _chosen(self, target: str | None) -> Sequence[str]:
        """Return how Compose calls an instance, a service, or everything."""
        if target is None:
            return []
        one = self._targets(target)[0]
        return (["--index", str(one.number)] if target == one.instance else []) + [one.service]

    # What drills need, which run inside

    def token(self) -> str:
        """Refuse: the token is on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def responder_token(self) -> str:
        """Refuse: the token is on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def grafana_token(self) -> str:
        """Return the token that annotations are written to Grafana with, empty without one."""
        asked = ("exec", "--no-TTY", "grafana-token", "cat", str(prepare.GRAFANA_TOKEN))
        try:
            return self._hands.compose.run(*asked).strip()
        except EngineError:  # Grafana has not given one yet
            return ""

    def data(self, part: str) -> Path:
        """Refuse: data is on volumes."""
        raise AlertdrillError(INSIDE_ONLY)

    def scratch(self) -> Path:
        """Refuse: the engine's file system may be another host's."""
        raise AlertdrillError(INSIDE_ONLY)

    def configure(self, part: str, name: str, text: str | None) -> None:
        """Refuse: configurations are on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def unlist(self, service: str) -> None:
        """Refuse: the targets are on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def relist(self) -> None:
        """Refuse: the targets are on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def import_series(self, openmetrics: Path) -> None:
        """Refuse: the series are on a volume."""
        raise AlertdrillError(INSIDE_ONLY)

    def forget_series(self) -> None:
        """Refuse: nobody outside may delete series."""
        raise AlertdrillError(INSIDE_ONLY)


INSIDE_ONLY = "Only drills do this, from inside the stack's networks: use `make drill`."
