"""What the policy wants done about an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .world import Kind


@dataclass(frozen=True)
class Wish:
    """An action and the reason for it.

    `after` is for how many seconds the alert must have fired; `grace` how many seconds a restart
    leaves the instance to finish what it does, None as long as its service gives it. An instance
    that is ready is only restarted where `although_ready` says that it is sick all the same.
    """

    action: Kind | Literal["none"]
    reason: str
    after: float = 0.0
    grace: float | None = None
    although_ready: bool = False
