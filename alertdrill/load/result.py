"""The result of a load: the counts of Locust and Prometheus, and the gates that it passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .profile import LoadProfile

# (seconds since 1970, value) pairs.
Points = Sequence[tuple[float, float]]


class TimeSpan(NamedTuple):
    """The time of a load, in seconds since 1970."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.end - self.begin


@dataclass(frozen=True)
class RequestStats:
    """Requests, failures and `p95` in seconds; None without responses."""

    requests: int
    failures: int
    p95: float | None

    @property
    def errors(self) -> float:
        """Return the ratio of failed requests; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class LocustStats:
    """Locust's statistics: in all, by (method, name), and by second since 1970."""

    total: RequestStats
    requests: Mapping[tuple[str, str], RequestStats]
    rate: Mapping[int, int]
    failures: Mapping[int, int]


@dataclass(frozen=True)
class GateResult:
    """An objective, the values of Locust and Prometheus as text, and whether it holds for both."""

    name: str
    objective: str
    values: Sequence[str]
    passed: bool


@dataclass(frozen=True)
class Event:
    """An alert or an action; times are in seconds since 1970, `ended` is None if it goes on."""

    kind: Literal["alert", "action"]
    name: str
    began: float
    ended: float | None


@dataclass(frozen=True)
class LoadResult:
    """A load that ran. `instances` has the number of instances of each service that answered.

    `charts` has the lines of each chart by title and label; `events` are those during the load.
    """

    profile: LoadProfile
    runtime: str
    span: TimeSpan
    locust: LocustStats
    prometheus: RequestStats
    instances: Mapping[str, int]
    gates: Sequence[GateResult]
    charts: Mapping[str, Mapping[str, Points]] = field(default_factory=dict)
    events: Sequence[Event] = ()

    @property
    def passed(self) -> bool:
        """Return whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def missed(self) -> str:
        """Return the names of the gates that did not pass."""
        return ", ".join(gate.name for gate in self.gates if not gate.passed)

    @property
    def rate(self) -> float:
        """Return the requests per second, by Locust's count."""
        return self.locust.total.requests / self.profile.counted_seconds
