"""The one list of the kinds of faults: targets, parameters, and the code that injects each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..context import DrillContext
from ..model import FaultSpec
from .base import Fault, FaultKind
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


def create(spec: FaultSpec, context: DrillContext, max_duration: float) -> Fault:
    """Return the fault of a drill, without injecting it; it lasts `max_duration` seconds."""
    kind = KINDS[spec.kind]
    return kind.fault(spec, kind, context, max_duration)


def _service_fault(
    name: str,
    *numbers: str,
    rates: Sequence[str] = (),
    durations: Sequence[str] = (),
    takes_down: bool = False,
) -> FaultKind:
    return FaultKind(
        name,
        "The service injects the fault into itself, through its endpoint /faults.",
        "instance",
        ServiceFault,
        ("probability", *numbers),
        rates=rates,
        durations=durations,
        takes_down=takes_down,
    )


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _service_fault("latency", "seconds"),
        _service_fault("errors", "status"),
        _service_fault("hang", takes_down=True),
        _service_fault("crash", takes_down=True),
        _service_fault("cpu", "load"),
        _service_fault(
            "memory", "mib_per_second", "mib", rates=("mib_per_second",), takes_down=True
        ),
        _service_fault("log_flood", "lines_per_second", "error_ratio"),
        _service_fault("unready", takes_down=True),
        _service_fault("dependency"),
        _service_fault("cardinality", "series"),
        # A part of the scrape timeout, which time compression shortens too.
        _service_fault("slow_scrape", "seconds", durations=("seconds",)),
        _service_fault("clock_skew", "seconds"),
        _service_fault("log_silence"),
        FaultKind("stop", "The target stops gracefully.", "any", StopTarget, takes_down=True),
        FaultKind(
            "kill",
            "The target is killed repeatedly.",
            "any",
            KillTarget,
            numbers=("every",),
            required=("every",),
            durations=("every",),
            takes_down=True,
        ),
        FaultKind("pause", "The target is frozen (SIGSTOP).", "any", PauseTarget, takes_down=True),
        FaultKind(
            "crash_loop",
            "The target is stopped whenever it becomes ready.",
            "instance",
            CrashLoop,
            takes_down=True,
        ),
        FaultKind(
            "scale",
            "The target runs with this number of instances.",
            "service",
            ScaleTarget,
            numbers=("instances",),
            required=("instances",),
        ),
        FaultKind(
            "disk_fill",
            "A file takes disk space.",
            "none",
            FillDisk,
            numbers=("to", "share_per_second"),
            choices={"where": ("prometheus", "host")},
            required=("where",),
            rates=("share_per_second",),
        ),
        FaultKind(
            "cpu_stress", "Every core is busy.", "none", StressHost, choices={"cores": ("all",)}
        ),
        FaultKind(
            "memory_pressure",
            "A process allocates memory until only the fraction `available` is left. It allocates"
            " the part down to `initial_available` before the drill's clock starts.",
            "none",
            StressHost,
            numbers=("initial_available", "available"),
            required=("initial_available", "available"),
        ),
        FaultKind(
            "bad_config",
            "A component loads a broken configuration. For `webhook`, Alertmanager sends"
            " notifications to a closed port; for `loki`, Loki rejects nearly all log lines.",
            "none",
            BreakConfig,
            choices={"component": ("prometheus", "alertmanager", "webhook", "loki")},
            required=("component",),
        ),
        FaultKind(
            "bad_rule",
            "Prometheus loads a rule whose evaluation always fails.",
            "none",
            BreakConfig,
        ),
        FaultKind(
            "drop_targets", "Prometheus's target list loses the target.", "component", DropTargets
        ),
        FaultKind("stop_load", "The load stops.", "none", StopLoad),
        FaultKind(
            "not_found_scan",
            "A client requests pages that do not exist.",
            "none",
            NotFoundScan,
            numbers=("requests_per_second",),
            required=("requests_per_second",),
        ),
    )
}
