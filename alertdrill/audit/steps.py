"""What is done to the stack while the requests come, and when. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..settings import MAX_REPLICAS
from .access_lines import PATH_SERVICES

# What keeps the lines: Loki, or what stands in for it.
STORE_SERVICES = ("loki", "fake-loki")
# A round of steps takes a minute and a half on a machine of two cores.
ROUND_S = 90.0


@dataclass(frozen=True)
class Step:
    """One thing that is done: a restart, or where `count` is given a new scale."""

    target: str
    count: int | None = None

    def __str__(self) -> str:
        """Write it as it is told."""
        return (
            f"restart {self.target}" if self.count is None else f"scale {self.target}={self.count}"
        )


def rounds_that_fit(requests: int, rate: float) -> int:
    """Return how many rounds fit into a run; one does always, for the requests slow down for it."""
    return max(1, int(requests / rate / ROUND_S))


def plan_steps(scales: Mapping[str, int], parts: Collection[str], count: int) -> Sequence[Step]:
    """Return `count` rounds of all that must lose nothing, each ending as it began.

    `scales` is how many instances of each service serve; `parts` are the services that run.
    """
    changed, back = _scale_steps(scales)
    restarts = [
        Step(part) for part in (*PATH_SERVICES, "collector", *STORE_SERVICES) if part in parts
    ]
    # The restarts first, while each service has as few instances as it is meant to manage with.
    return [*restarts, *changed, *back] * count


def _scale_steps(scales: Mapping[str, int]) -> tuple[list[Step], list[Step]]:
    """Return a new scale for each service, up where there is room, and the way back."""
    changed = {
        service: scale + 1 if scale < MAX_REPLICAS else scale - 1
        for service, scale in scales.items()
    }
    return [Step(*item) for item in changed.items()], [Step(*item) for item in scales.items()]


def step_positions(requests: int, count: int) -> Sequence[int]:
    """Return after how many requests each of `count` steps begins, and after how many all end."""
    return [requests * place // (count + 1) for place in range(1, count + 2)]
