"""Plan the restarts and scale changes during the requests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..config.services import MAX_REPLICAS
from .access_lines import PATH_SERVICES

# The service that stores the lines: Loki or its fake.
STORE_SERVICES = ("loki", "fake-loki")
# A round of steps takes 90 s on two cores.
ROUND_S = 90.0


@dataclass(frozen=True)
class Step:
    """One change: a restart, or with `count` a new scale."""

    target: str
    count: int | None = None

    def __str__(self) -> str:
        """Return the step as text."""
        return (
            f"restart {self.target}" if self.count is None else f"scale {self.target}={self.count}"
        )


def rounds_that_fit(requests: int, rate: float) -> int:
    """Return how many rounds fit into a run; at least one, since requests slow down for it."""
    return max(1, int(requests / rate / ROUND_S))


def plan_steps(scales: Mapping[str, int], parts: Collection[str], count: int) -> Sequence[Step]:
    """Return `count` rounds of steps that must lose no request and restore the scale.

    `scales` is the number of replicas of each service; `parts` are the services that run.
    """
    changed, back = _scale_steps(scales)
    restarts = [
        Step(part) for part in (*PATH_SERVICES, "collector", *STORE_SERVICES) if part in parts
    ]
    # Restarts come first, while each service has the fewest instances.
    return [*restarts, *changed, *back] * count


def _scale_steps(scales: Mapping[str, int]) -> tuple[list[Step], list[Step]]:
    """Return the steps to a new scale for each service (up if possible), and back."""
    changed = {
        service: scale + 1 if scale < MAX_REPLICAS else scale - 1
        for service, scale in scales.items()
    }
    return [Step(*item) for item in changed.items()], [Step(*item) for item in scales.items()]


def step_positions(requests: int, count: int) -> Sequence[int]:
    """Return the request numbers at which the `count` steps begin, and at which the last ends."""
    return [requests * place // (count + 1) for place in range(1, count + 2)]
