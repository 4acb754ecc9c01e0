"""The one fake of a runtime; mypy checks it against the protocols that it implements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.base import FaultTarget, Instance, ProgressCallback, StackRuntime, State

Lines = Iterable[tuple[str, str]]


def instance(name: str, address: str = "127.0.0.1:1", **changed: Any) -> Instance:
    state: State = changed.get("state", "ready")
    healing_enabled = changed.get("healing_enabled", False)
    service = name.rpartition("-")[0]
    operations = changed.get("ops_address", "127.0.0.1:2")
    return Instance(
        name, service, state, changed.get("pid", 7), address, 1.5, healing_enabled, operations
    )


class FakeRuntime(StackRuntime, FaultTarget):
    """A stack whose changes are recorded in `calls`, with a grace period only if it is set.

    `on_call` is called with each of them; then a method whose name is in `refuses` raises an
    `AlertdrillError`, and every method raises `error` if it is set. `scale` changes `running`.
    """

    name = "fake"
    speed = 1.0
    ephemeral = False
    follows_new_instances = True

    def __init__(self, folder: Path = Path("/nowhere"), speed: float = 1.0) -> None:
        self.folder = folder
        self.speed = speed
        self.calls: list[tuple[object, ...]] = []
        self.on_call: Callable[..., object] = lambda *_: None
        self.refuses: set[str] = set()
        self.error: BaseException | None = None
        self.leftovers: list[str] = []
        self.running: list[Instance] = [instance("web-1"), instance("web-2")]
        self.urls: dict[str, str] = {}
        # The stored log lines of each instance, and the groups of lines that follow.
        self.lines: dict[str, list[str]] = {}
        self.later: Iterable[Lines] = ()

    def _record(self, name: str, *arguments: object) -> None:
        self.calls.append((name, *arguments))
        self.on_call(name, *arguments)
        if name in self.refuses:
            raise AlertdrillError(f"No {name} today.")
        if self.error:
            raise self.error

    def ephemeral_stacks(self) -> Sequence[str]:
        return self.leftovers

    # ControlTarget

    def status(self) -> Sequence[Instance]:
        return self.running

    def restart(self, target: str, grace: float | None = None) -> None:
        self._record("restart", target, *([] if grace is None else [grace]))

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        on_progress("scaled")
        self._record("scale", service, count)
        others = [item for item in self.running if item.service != service]
        numbers = range(1, count + 1)
        self.running = [*others, *(instance(f"{service}-{number}") for number in numbers)]

    # RunningStack

    def start(self, target: str) -> None:
        self._record("start", target)

    def stop(self, target: str, grace: float | None = None) -> None:
        self._record("stop", target, *([] if grace is None else [grace]))

    def kill(self, target: str) -> None:
        self._record("kill", target)

    def pause(self, target: str) -> None:
        self._record("pause", target)

    def resume(self, target: str) -> None:
        self._record("resume", target)

    def address(self, component: str) -> str:
        return self.urls.get(component, f"http://127.0.0.1:1/{component}")

    def addresses(self) -> Mapping[str, str]:
        return {"Services": self.urls.get("lb", "http://127.0.0.1:1")}

    # StackRuntime

    def check(self, on_progress: ProgressCallback) -> None:
        self._record("check")

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        on_progress("web-1 is ready")
        self._record("up")
        return ["loki is not installed."]

    def renew(self, service: str, on_progress: ProgressCallback) -> None:
        on_progress(f"{service} is renewed")
        self._record("renew", service)

    def test(self, service: str, arguments: Sequence[str]) -> int:
        self._record("test", service, *arguments)
        return 5

    def execute(self, service: str, command: Sequence[str]) -> int:
        self._record("execute", service, *command)
        return 3

    def down(self, on_progress: ProgressCallback) -> None:
        self._record("down")

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        self._record("logs", target, lines)
        for name, stored in self.lines.items():
            if target not in (None, name, name.rpartition("-")[0]):
                continue
            count = len(stored) if lines is None else min(lines, len(stored))
            for line in stored[len(stored) - count :]:
                yield name, line

    def follow(self, target: str | None, lines: int | None) -> Iterator[Lines]:
        yield self.logs(target, lines)
        yield from self.later

    # FaultTarget

    def break_config(self, component: str, name: str, text: str) -> None:
        self._record("break_config", component, name, text)

    def restore_config(self, component: str, name: str) -> None:
        self._record("restore_config", component, name)

    def drop_targets(self, service: str) -> None:
        self._record("drop_targets", service)

    def restore_targets(self) -> None:
        self._record("restore_targets")

    def backfill(self, openmetrics: Path) -> None:
        self._record("backfill", openmetrics)

    def delete_series(self) -> None:
        self._record("delete_series")

    def faults_token(self) -> str:
        return "the-token"

    def alertmanager_password_file(self) -> Path:
        return Path("absent")

    def responder_token(self) -> str:
        return "the-responders-token"

    def data_folder(self, component: str) -> Path:
        return self.folder / "data" / component

    def scratch_folder(self) -> Path:
        return self.folder / "scratch"

    def resolve_url(self, link: str) -> str:
        return link
