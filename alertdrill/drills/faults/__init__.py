"""Switch faults on. How each is undone is known before it begins."""

from __future__ import annotations

from collections.abc import Mapping

from ..drill import FaultSpec
from ..kinds import KINDS
from .base import Fault, FaultContext
from .host import Fill, Strain
from .instances import CrashLoop, Kill, OfService, Pause, Scale, Stop, Unlist
from .parts import Configure, NoLoad, Scan

__all__ = ["RUNTIME_FAULTS", "Fault", "FaultContext", "make"]

RUNTIME_FAULTS: Mapping[str, type[Fault]] = {
    "stop": Stop,
    "kill": Kill,
    "pause": Pause,
    "crash_loop": CrashLoop,
    "scale": Scale,
    "disk_fill": Fill,
    "cpu_stress": Strain,
    "memory_pressure": Strain,
    "bad_config": Configure,
    "bad_rule": Configure,
    "drop_targets": Unlist,
    "stop_load": NoLoad,
    "not_found_scan": Scan,
}


def make(spec: FaultSpec, context: FaultContext) -> Fault:
    """Return the fault that a drill asks for; nothing is touched yet."""
    made = OfService if KINDS[spec.kind].of_services else RUNTIME_FAULTS[spec.kind]
    return made(spec, context)
