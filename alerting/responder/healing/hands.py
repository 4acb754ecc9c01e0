"""Whom the healer asks, has act and tells, and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .alertmanager import Held
from .controls import Controls
from .current import Current
from .deeds import Deed, Deeds
from .gauges import Gauges
from .witnesses import Witness
from .world import Instance, Service


class Eyes(Protocol):
    """Who knows how the instances are: see `control.Control`."""

    def look(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and how each service scales."""
        ...


class Confirms(Protocol):
    """Who knows what fires: see `alertmanager.Alertmanager`."""

    def holds(self) -> Mapping[str, Held] | None:
        """Return what fires, by its fingerprint; None while it can't be asked."""
        ...


class Performs(Protocol):
    """Who does it: see `performer.Performer`."""

    def runs(self, deed: Deed) -> bool:
        """Tell whether a deed is being performed here."""
        ...

    def take_up(self, deed: Deed) -> None:
        """Begin a deed, or go on with one that was cut off."""
        ...


@dataclass(frozen=True)
class Records:
    """What is kept in the journal."""

    current: Current
    deeds: Deeds
    controls: Controls


@dataclass(frozen=True)
class Hands:
    """Whom the healer asks, has act and tells."""

    eyes: Eyes
    alertmanager: Confirms
    performer: Performs
    witness: Witness
    gauges: Gauges
