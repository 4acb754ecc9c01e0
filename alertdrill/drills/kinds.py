"""The kinds of faults that a drill can name, and what each takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..settings import MAX_REPLICAS

# `services`: one, or an instance of it; `scales`: a service as a whole.
Where = Literal["services", "scales", "stack", "anything", "nothing"]


# Parameters that are a part of something.
SHARES = ("probability", "available", "initial_available", "to", "share_per_second")


@dataclass(frozen=True)
class FaultKind:
    """One kind: what it may strike, its number parameters, and its word parameters.

    A parameter in `grows` is a rate at speed 1 and is multiplied by the speed; one in `waits` is
    a duration at speed 1 and is divided by it.
    """

    name: str
    description: str
    on: Where
    numbers: Sequence[str] = ()
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    required: Sequence[str] = ()
    grows: Sequence[str] = ()
    waits: Sequence[str] = ()
    of_services: bool = False

    def bounds(self, name: str) -> tuple[float, float]:
        """Return the least (more than that, if it is 0) and the most that a number may be."""
        if name in SHARES:
            return 0.0, 1.0
        if name == "instances":
            return 0.0, float(MAX_REPLICAS)
        # A clock may be slow as well as fast, and a flood may be without errors.
        free = self.name in ("clock_skew", "log_flood")
        return (-math.inf if free else 0.0), math.inf


def _service(name: str, *numbers: str, **scaled: Sequence[str]) -> FaultKind:
    description = "A fault that the service has when it is told to, over /faults."
    numbers = ("probability", *numbers)
    return FaultKind(name, description, "services", numbers, of_services=True, **scaled)  # type: ignore[arg-type]


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _service("latency", "seconds"),
        _service("errors", "status"),
        _service("hang"),
        _service("crash"),
        _service("cpu", "load"),
        _service("memory", "mib_per_second", "mib", grows=("mib_per_second",)),
        _service("log_flood", "lines_per_second", "error_ratio"),
        _service("unready"),
        _service("dependency"),
        _service("cardinality", "series"),
        # A share of the time a scrape may take, which the rehearsal shortens too.
        _service("slow_scrape", "seconds", waits=("seconds",)),
        _service("clock_skew", "seconds"),
        _service("log_silence"),
        FaultKind("stop", "It is stopped gracefully.", "anything"),
        FaultKind(
            "kill",
            "It is killed, again and again.",
            "anything",
            numbers=("every",),
            required=("every",),
            waits=("every",),
        ),
        FaultKind("pause", "It is frozen (SIGSTOP).", "anything"),
        FaultKind("crash_loop", "It is stopped again whenever it serves.", "services"),
        FaultKind(
            "scale",
            "Somebody has this many instances of it serve.",
            "scales",
            numbers=("instances",),
            required=("instances",),
        ),
        FaultKind(
            "disk_fill",
            "Disk space is taken.",
            "nothing",
            numbers=("to", "share_per_second"),
            words={"where": ("prometheus", "host")},
            required=("where",),
            grows=("share_per_second",),
        ),
        FaultKind("cpu_stress", "Every core is kept busy.", "nothing", words={"cores": ("all",)}),
        FaultKind(
            "memory_pressure",
            "A process takes memory until only the fraction `available` is left. It takes the part"
            " down to `initial_available` before the drill's clock starts.",
            "nothing",
            numbers=("initial_available", "available"),
            required=("initial_available", "available"),
        ),
        FaultKind(
            "bad_config",
            "A broken configuration is loaded; `webhook` is where notifications are sent to, and"
            " `loki` is told to take next to no lines.",
            "nothing",
            words={"component": ("prometheus", "alertmanager", "webhook", "loki")},
            required=("component",),
        ),
        FaultKind("bad_rule", "A rule is loaded that fails whenever it is evaluated.", "nothing"),
        FaultKind("drop_targets", "Prometheus's list of targets loses it.", "stack"),
        FaultKind("stop_load", "The load ends.", "nothing"),
        FaultKind(
            "not_found_scan",
            "A client asks again and again for what is not there.",
            "nothing",
            numbers=("requests_per_second",),
            required=("requests_per_second",),
        ),
    )
}
