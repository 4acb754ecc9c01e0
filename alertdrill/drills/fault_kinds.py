"""The kinds of faults that a drill can name, with their targets and parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..settings import MAX_REPLICAS

# What a kind accepts as its target: `instance` includes a whole service.
TargetScope = Literal["instance", "service", "component", "any", "none"]

# Parameters that are fractions from 0 to 1.
FRACTIONS = ("probability", "available", "initial_available", "to", "share_per_second")


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault: its target scope, its number parameters and its choice parameters.

    `rates` are parameters that are multiplied by the speed, `durations` are divided by it. A
    `service_fault` is injected by the service itself, through its endpoint /faults.
    """

    name: str
    description: str
    scope: TargetScope
    numbers: Sequence[str] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    required: Sequence[str] = ()
    rates: Sequence[str] = ()
    durations: Sequence[str] = ()
    service_fault: bool = False

    def bounds(self, name: str) -> tuple[float, float]:
        """Return the exclusive lower bound and the inclusive upper bound of a number."""
        if name in FRACTIONS:
            return 0.0, 1.0
        if name == "instances":
            return 0.0, float(MAX_REPLICAS)
        # A clock may be slow as well as fast, and a log flood may contain no errors.
        unbounded = self.name in ("clock_skew", "log_flood")
        return (-math.inf if unbounded else 0.0), math.inf


def _service_fault(
    name: str, *numbers: str, rates: Sequence[str] = (), durations: Sequence[str] = ()
) -> FaultKind:
    return FaultKind(
        name,
        "The service injects the fault into itself, through its endpoint /faults.",
        "instance",
        ("probability", *numbers),
        rates=rates,
        durations=durations,
        service_fault=True,
    )


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _service_fault("latency", "seconds"),
        _service_fault("errors", "status"),
        _service_fault("hang"),
        _service_fault("crash"),
        _service_fault("cpu", "load"),
        _service_fault("memory", "mib_per_second", "mib", rates=("mib_per_second",)),
        _service_fault("log_flood", "lines_per_second", "error_ratio"),
        _service_fault("unready"),
        _service_fault("dependency"),
        _service_fault("cardinality", "series"),
        # A part of the scrape timeout, which time compression shortens too.
        _service_fault("slow_scrape", "seconds", durations=("seconds",)),
        _service_fault("clock_skew", "seconds"),
        _service_fault("log_silence"),
        FaultKind("stop", "The target stops gracefully.", "any"),
        FaultKind(
            "kill",
            "The target is killed repeatedly.",
            "any",
            numbers=("every",),
            required=("every",),
            durations=("every",),
        ),
        FaultKind("pause", "The target is frozen (SIGSTOP).", "any"),
        FaultKind("crash_loop", "The target is stopped whenever it becomes ready.", "instance"),
        FaultKind(
            "scale",
            "The target runs with this number of instances.",
            "service",
            numbers=("instances",),
            required=("instances",),
        ),
        FaultKind(
            "disk_fill",
            "A file takes disk space.",
            "none",
            numbers=("to", "share_per_second"),
            choices={"where": ("prometheus", "host")},
            required=("where",),
            rates=("share_per_second",),
        ),
        FaultKind("cpu_stress", "Every core is busy.", "none", choices={"cores": ("all",)}),
        FaultKind(
            "memory_pressure",
            "A process allocates memory until only the fraction `available` is left. It allocates"
            " the part down to `initial_available` before the drill's clock starts.",
            "none",
            numbers=("initial_available", "available"),
            required=("initial_available", "available"),
        ),
        FaultKind(
            "bad_config",
            "A component loads a broken configuration. For `webhook`, Alertmanager sends"
            " notifications to a closed port; for `loki`, Loki rejects nearly all log lines.",
            "none",
            choices={"component": ("prometheus", "alertmanager", "webhook", "loki")},
            required=("component",),
        ),
        FaultKind("bad_rule", "Prometheus loads a rule whose evaluation always fails.", "none"),
        FaultKind("drop_targets", "Prometheus's target list loses the target.", "component"),
        FaultKind("stop_load", "The load stops.", "none"),
        FaultKind(
            "not_found_scan",
            "A client requests pages that do not exist.",
            "none",
            numbers=("requests_per_second",),
            required=("requests_per_second",),
        ),
    )
}
