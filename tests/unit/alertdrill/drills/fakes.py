"""A runtime, a load and a clock that do nothing but remember what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alertdrill.drills.drill import Drill, Expectation, FaultSpec, LoadSpec
from alertdrill.drills.outcome import Outcome
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import Instance
from alertdrill.runtimes.base import State


def instance(name: str, address: str = "127.0.0.1:1", **changed: Any) -> Instance:
    state: State = changed.get("state", "ready")
    return Instance(name, name.rpartition("-")[0], state, changed.get("pid", 7), address, 1.0)


class FakeRuntime:
    """Remembers in `asked`; what is named in `refuses` raises."""

    name = "fake"

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.folder = folder
        self.speed = speed
        self.rehearsal = False
        self.asked: list[tuple[object, ...]] = []
        self.refuses: set[str] = set()
        self.found: list[Instance] = [instance("web-1"), instance("web-2")]
        self.urls: dict[str, str] = {}
        self.told: Callable[..., object] = lambda *_: None

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take every order that a runtime may get."""
        if name not in ORDERS:
            raise AttributeError(name)

        def order(*arguments: object) -> None:
            self.asked.append((name, *arguments))
            self.told(name, *arguments)
            if name in self.refuses:
                raise AlertdrillError(f"No {name} today.")

        return order

    def status(self) -> Sequence[Instance]:
        return self.found

    def instances(self, service: str) -> Sequence[Instance]:
        return [one for one in self.found if one.service == service]

    def scale(self, service: str, count: int, notify: Callable[[str], object]) -> None:
        notify("as many as are wanted")
        self.asked.append(("scale", service, count))

    def reach(self, link: str) -> str:
        return link

    def token(self) -> str:
        return "the-token"

    def responder_token(self) -> str:
        return "the-responders-token"

    def scratch(self) -> Path:
        return self.folder / "scratch"

    def data(self, part: str) -> Path:
        return self.folder / "data" / part

    def address(self, part: str) -> str:
        return self.urls.get(part, f"http://127.0.0.1:1/{part}")

    def addresses(self) -> Mapping[str, str]:
        return {"Services": "http://127.0.0.1:1"}


ORDERS = {
    "start", "stop", "kill", "pause", "resume", "configure", "relist", "unlist", "up", "down",
    "forget_series", "import_series",
}  # fmt: skip


class FakeTraffic:
    """A load that is always there; `dead` makes `require` raise."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.dead: Exception | None = None

    def ensure(self, spec: LoadSpec) -> None:
        self.asked.append(spec)

    def require(self) -> None:
        if self.dead:
            raise self.dead

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def stop(self) -> None:
        self.asked.append("stop")


class FakeProgress:
    """Notes what it is told, save for each wait."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def note(self, sentence: str) -> None:
        self.seen.append(("note", sentence))

    def begin(self, drill: Drill, place: tuple[int, int]) -> None:
        self.seen.append(("begin", drill.alert, place))

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        assert elapsed >= 0
        assert limit >= 0

    def reached(self, phase: str, elapsed: float, limit: float) -> None:
        self.seen.append(("reached", phase))

    def done(self, outcome: Outcome) -> None:
        self.seen.append(("done", outcome.verdict))


class FakeClock:
    """Time that passes only while somebody sleeps; stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


def a_drill(**changed: Any) -> Drill:
    """Return a drill of `Down`; budgets of 10 s, which the grace makes 15 s at speed 1."""
    values: dict[str, Any] = {
        "alert": "Down",
        "says": "Web is frozen.",
        "fault": FaultSpec("pause", "web-1"),
        "load": LoadSpec(),
        "expect": Expectation({"severity": "page"}),
        "detect": 10.0,
        "resolve": 10.0,
    }
    return Drill(**{**values, **changed})
