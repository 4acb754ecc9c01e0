"""Fakes of a runtime, a load, a console and a clock, which record their calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alertdrill.drills.model import Drill, Expectation, FaultSpec, LoadSpec
from alertdrill.drills.result import DrillResult
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import Instance
from alertdrill.runtimes.base import State


def instance(name: str, address: str = "127.0.0.1:1", **changed: Any) -> Instance:
    state: State = changed.get("state", "ready")
    return Instance(name, name.rpartition("-")[0], state, changed.get("pid", 7), address, 1.0)


class FakeRuntime:
    """Records its calls in `calls`; a method whose name is in `refuses` raises."""

    name = "fake"

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.folder = folder
        self.speed = speed
        self.ephemeral = False
        self.calls: list[tuple[object, ...]] = []
        self.refuses: set[str] = set()
        self.running: list[Instance] = [instance("web-1"), instance("web-2")]
        self.urls: dict[str, str] = {}
        self.on_call: Callable[..., object] = lambda *_: None

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a method that records its call."""
        if name not in RECORDED:
            raise AttributeError(name)

        def method(*arguments: object, **options: object) -> None:
            self.calls.append((name, *arguments, *options.items()))
            self.on_call(name, *arguments, *options.items())
            if name in self.refuses:
                raise AlertdrillError(f"No {name} today.")

        return method

    def status(self) -> Sequence[Instance]:
        return self.running

    def instances(self, service: str) -> Sequence[Instance]:
        return [instance for instance in self.running if instance.service == service]

    def scale(self, service: str, count: int, on_progress: Callable[[str], object]) -> None:
        on_progress("scaled")
        self.calls.append(("scale", service, count))

    def resolve_url(self, link: str) -> str:
        return link

    def faults_token(self) -> str:
        return "the-token"

    def responder_token(self) -> str:
        return "the-responders-token"

    def scratch_folder(self) -> Path:
        return self.folder / "scratch"

    def data_folder(self, component: str) -> Path:
        return self.folder / "data" / component

    def address(self, part: str) -> str:
        return self.urls.get(part, f"http://127.0.0.1:1/{part}")

    def addresses(self) -> Mapping[str, str]:
        return {"Services": "http://127.0.0.1:1"}


RECORDED = {
    "start", "stop", "kill", "pause", "resume", "configure", "restore_targets", "drop_targets",
    "up", "down", "delete_series", "backfill",
}  # fmt: skip


class FakeTraffic:
    """A load that always runs, unless `error` is set: then `require_running` raises it."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.error: Exception | None = None

    def ensure(self, spec: LoadSpec) -> None:
        self.calls.append(spec)

    def require_running(self) -> None:
        if self.error:
            raise self.error

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def stop(self) -> None:
        self.calls.append("stop")


class FakeProgress:
    """Records the events of a run, except for each wait."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def note(self, sentence: str) -> None:
        self.events.append(("note", sentence))

    def drill_started(self, drill: Drill, position: tuple[int, int]) -> None:
        self.events.append(("started", drill.alert, position))

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        assert elapsed >= 0
        assert limit >= 0

    def phase_reached(self, phase: str, elapsed: float, limit: float) -> None:
        self.events.append(("reached", phase))

    def drill_finished(self, result: DrillResult) -> None:
        self.events.append(("finished", result.verdict))


class FakeClock:
    """A clock that only `sleep` advances; replaces the module `time`."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


def make_drill(**changed: Any) -> Drill:
    """Return a drill of `Down`; its limits of 10 s become 15 s at speed 1, with the grace."""
    values: dict[str, Any] = {
        "alert": "Down",
        "description": "Web is frozen.",
        "fault": FaultSpec("pause", "web-1"),
        "load": LoadSpec(),
        "expect": Expectation({"severity": "page"}),
        "detect": 10.0,
        "resolve": 10.0,
    }
    return Drill(**{**values, **changed})
