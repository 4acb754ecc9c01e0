"""Fakes of a runtime, a load, a console and a clock, which record their calls.

mypy checks the runtime, the load and the console against what they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alertdrill.config.settings import StackSettings
from alertdrill.drills.context import DrillContext, DrillProgress
from alertdrill.drills.model import Deadlines, Drill, Expectation, FaultSpec, LoadSpec
from alertdrill.drills.result import DrillResult
from alertdrill.drills.traffic import Traffic
from alertdrill.drills.undo import UndoLog, UndoRecord
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import Instance, Runtime
from alertdrill.runtimes.base import ProgressCallback, State


def instance(name: str, address: str = "127.0.0.1:1", **changed: Any) -> Instance:
    state: State = changed.get("state", "ready")
    return Instance(name, name.rpartition("-")[0], state, changed.get("pid", 7), address, 1.0)


class FakeRuntime(Runtime):
    """Records its calls in `calls`; a method whose name is in `refuses` raises."""

    name = "fake"
    speed = 1.0
    ephemeral = False
    follows_new_instances = True

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.folder = folder
        self.speed = speed
        self.calls: list[tuple[object, ...]] = []
        self.refuses: set[str] = set()
        self.running: list[Instance] = [instance("web-1"), instance("web-2")]
        self.urls: dict[str, str] = {}
        self.on_call: Callable[..., object] = lambda *_: None

    def _record(self, name: str, *arguments: object) -> None:
        self.calls.append((name, *arguments))
        self.on_call(name, *arguments)
        if name in self.refuses:
            raise AlertdrillError(f"No {name} today.")

    def check(self, on_progress: ProgressCallback) -> None:
        self._record("check")

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        self._record("up")
        return ()

    def down(self, on_progress: ProgressCallback) -> None:
        self._record("down")

    def status(self) -> Sequence[Instance]:
        return self.running

    def instances(self, service: str) -> Sequence[Instance]:
        return [instance for instance in self.running if instance.service == service]

    def start(self, target: str) -> None:
        self._record("start", target)

    def stop(self, target: str, grace: float | None = None) -> None:
        self._record("stop", target, *([] if grace is None else [("grace", grace)]))

    def restart(self, target: str, grace: float | None = None) -> None:
        self._record("restart", target)

    def kill(self, target: str) -> None:
        self._record("kill", target)

    def pause(self, target: str) -> None:
        self._record("pause", target)

    def resume(self, target: str) -> None:
        self._record("resume", target)

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        on_progress("scaled")
        self._record("scale", service, count)

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        return iter(())

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        return iter(())

    def faults_token(self) -> str:
        return "the-token"

    def responder_token(self) -> str:
        return "the-responders-token"

    def grafana_token(self) -> str:
        return "the-grafana-token"

    def scratch_folder(self) -> Path:
        return self.folder / "scratch"

    def data_folder(self, component: str) -> Path:
        return self.folder / "data" / component

    def configure(self, component: str, name: str, text: str | None) -> None:
        self._record("configure", component, name, text)

    def drop_targets(self, service: str) -> None:
        self._record("drop_targets", service)

    def restore_targets(self) -> None:
        self._record("restore_targets")

    def backfill(self, openmetrics: Path) -> None:
        self._record("backfill", openmetrics)

    def delete_series(self) -> None:
        self._record("delete_series")

    def address(self, component: str) -> str:
        return self.urls.get(component, f"http://127.0.0.1:1/{component}")

    def resolve_url(self, link: str) -> str:
        return link

    def addresses(self) -> Mapping[str, str]:
        return {"Services": self.urls.get("lb", "http://127.0.0.1:1")}


class FakeTraffic(Traffic):
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


class FakeProgress(DrillProgress):
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


def make_context(
    runtime: Runtime,
    folder: Path,
    *,
    traffic: Traffic | None = None,
    progress: DrillProgress | None = None,
    undo_log: UndoLog | None = None,
    **clients: object,
) -> DrillContext:
    """Return the context of a run with fakes; `clients` replace those of its components."""
    context = DrillContext(
        runtime=runtime,
        user_runtime=runtime,
        settings=StackSettings(folder),
        undo_log=undo_log or UndoLog(folder),
        record=UndoRecord("the-run", 1.0, StackSettings(folder)),
        folder=folder,
        traffic=traffic or FakeTraffic(),
        progress=progress or FakeProgress(),
    )
    vars(context).update(clients)  # where the cached properties keep them
    return context


def make_drill(**changed: Any) -> Drill:
    """Return a drill of `Down`; its limits of 10 s become 15 s at speed 1, with the grace.

    The deadlines are keywords of their own, such as `detect`.
    """
    deadlines = {"detect": 10.0, "resolve": 10.0}
    deadlines |= {key: changed.pop(key) for key in ("detect", "heal", "resolve") if key in changed}
    values: dict[str, Any] = {
        "alert": "Down",
        "description": "Web is frozen.",
        "fault": FaultSpec(kind="pause", target="web-1"),
        "expect": Expectation(labels={"severity": "page"}),
        "deadlines": Deadlines(**deadlines),
    }
    return Drill(**{**values, **changed})
