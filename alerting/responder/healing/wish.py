"""What the policy wants done about an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .world import Kind


@dataclass(frozen=True)
class Wish:
    """An action and the reason for it.

    `min_firing`: seconds that the alert must have fired. `grace_period`: seconds that a restart
    leaves the instance to finish its requests; None: that of its service. A ready instance is
    restarted only with `even_if_ready`.
    """

    action: Kind | Literal["none"]
    reason: str
    min_firing: float = 0.0
    grace_period: float | None = None
    even_if_ready: bool = False
