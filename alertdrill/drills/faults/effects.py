"""Measure the effect of a service's faults in raw metrics, independently of the rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ...clients.prometheus import Prometheus
from ..model import FaultSpec
from . import Effect

# A query over less has too few scrapes.
MIN_WINDOW_S = 2

# What a kind should do after some seconds, None if its parameters do not say.
Target = Callable[[FaultSpec, float], float | None]


def parameter(name: str, maximum: float = float("inf")) -> Target:
    """Return a target that is a parameter of the fault."""

    def target(spec: FaultSpec, _: float) -> float | None:
        return min(spec.parameters[name], maximum) if spec.parameters.get(name) else None

    return target


def _memory(spec: FaultSpec, seconds: float) -> float | None:
    rate, most = spec.parameters.get("mib_per_second"), spec.parameters.get("mib")
    return min(rate * seconds, most) if rate and most else None


def _latency(spec: FaultSpec, _: float) -> float | None:
    # The mean says little about a fault of some requests.
    every = spec.parameters.get("probability", 1.0) == 1.0
    return spec.parameters.get("seconds") if every else None


# The unit, the target and the query of each kind; the query takes the instances and the range.
EFFECTS: Mapping[str, tuple[str, Target, str]] = {
    "cpu": (
        "of a processor",
        # At full load it pauses between two pieces of work.
        parameter("load", 0.98),
        "max(rate(process_cpu_seconds_total{target}[{range}]))",
    ),
    "memory": (
        "MiB",
        _memory,
        "max(max_over_time(process_resident_memory_bytes{target}[{range}])"
        " - min_over_time(process_resident_memory_bytes{target}[{range}])) / 2^20",
    ),
    "log_flood": (
        "log lines/s",
        parameter("lines_per_second"),
        "max(sum by (instance) (rate(log_records_total{target}[{range}])))",
    ),
    "cardinality": (
        "series",
        parameter("series"),
        "max(max_over_time(scrape_samples_post_metric_relabeling{target}[{range}]))",
    ),
    "latency": (
        "s a request",
        _latency,
        "sum(increase(flask_http_request_duration_seconds_sum{target}[{range}]))"
        " / sum(increase(flask_http_request_duration_seconds_count{target}[{range}]))",
    ),
}


def measure(spec: FaultSpec, prometheus: Prometheus, since: float) -> Effect | None:
    """Return what a fault of a service has achieved since a time; None if it is not measurable."""
    if spec.kind not in EFFECTS:
        return None
    seconds = time.time() - since
    unit, target, query = EFFECTS[spec.kind]
    goal = target(spec, seconds)
    if not goal:
        return None
    name, window = spec.target, f"{max(MIN_WINDOW_S, int(seconds))}s"
    label = "instance" if name.rpartition("-")[2].isdecimal() else "service"
    selector = f'{{job="services", {label}="{name}"}}'
    achieved = prometheus.value(query.replace("{target}", selector).replace("{range}", window))
    return Effect(achieved or 0.0, goal, unit)
