"""The faults. The undo steps of each are known before it is injected."""

from __future__ import annotations

from collections.abc import Mapping

from ..fault_kinds import KINDS
from ..model import FaultSpec
from .base import Fault, FaultContext
from .host import FillDisk, StressHost
from .instances import (
    CrashLoop,
    DropTargets,
    KillTarget,
    PauseTarget,
    ScaleTarget,
    ServiceFault,
    StopTarget,
)
from .platform import BreakConfig, NotFoundScan, StopLoad

__all__ = ["RUNTIME_FAULTS", "Fault", "FaultContext", "create"]

RUNTIME_FAULTS: Mapping[str, type[Fault]] = {
    "stop": StopTarget,
    "kill": KillTarget,
    "pause": PauseTarget,
    "crash_loop": CrashLoop,
    "scale": ScaleTarget,
    "disk_fill": FillDisk,
    "cpu_stress": StressHost,
    "memory_pressure": StressHost,
    "bad_config": BreakConfig,
    "bad_rule": BreakConfig,
    "drop_targets": DropTargets,
    "stop_load": StopLoad,
    "not_found_scan": NotFoundScan,
}


def create(spec: FaultSpec, context: FaultContext) -> Fault:
    """Return the fault of a drill, without injecting it."""
    kind = ServiceFault if KINDS[spec.kind].service_fault else RUNTIME_FAULTS[spec.kind]
    return kind(spec, context)
