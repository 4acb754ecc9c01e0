"""The kinds of faults that a drill can name, and what each takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..settings import CEILING

# `services`: one, or an instance of it; `scales`: a service as a whole.
Where = Literal["services", "scales", "stack", "anything", "nothing"]


# Parameters that are a part of something.
SHARES = ("ratio", "leave", "approach", "to", "share_per_second")


@dataclass(frozen=True)
class FaultKind:
    """One kind: what it may strike, its number parameters, and its word parameters.

    A parameter in `grows` is a rate at speed 1 and is multiplied by the speed; one in `waits` is
    a duration at speed 1 and is divided by it.
    """

    name: str
    says: str
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
            return 0.0, float(CEILING)
        # A clock may be slow as well as fast, and a flood may be without errors.
        free = self.name in ("skew", "logs")
        return (-math.inf if free else 0.0), math.inf


def _service(name: str, *numbers: str, **scaled: Sequence[str]) -> FaultKind:
    says = "A fault that the service has when it is told to, over /faults."
    return FaultKind(name, says, "services", ("ratio", *numbers), of_services=True, **scaled)  # type: ignore[arg-type]


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _service("latency", "seconds"),
        _service("errors", "status"),
        _service("hang"),
        _service("crash"),
        _service("cpu", "load"),
        _service("memory", "mib_per_second", "mib", grows=("mib_per_second",)),
        _service("logs", "lines_per_second", "error_ratio"),
        _service("unready"),
        _service("dependency"),
        _service("cardinality", "series"),
        # A share of the time a scrape may take, which the rehearsal shortens too.
        _service("scrape", "seconds", waits=("seconds",)),
        _service("skew", "seconds"),
        _service("mute"),
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
            "fill",
            "Disk space is taken.",
            "nothing",
            numbers=("to", "share_per_second"),
            words={"where": ("prometheus", "host")},
            required=("where",),
            grows=("share_per_second",),
        ),
        FaultKind("burn", "Every core is kept busy.", "nothing", words={"cores": ("all",)}),
        FaultKind(
            "hog",
            "Memory is taken until only this share is left; `approach` comes before the clock.",
            "nothing",
            numbers=("approach", "leave"),
            required=("approach", "leave"),
        ),
        FaultKind(
            "config",
            "A broken configuration is loaded; `webhook` is where notifications are sent to, and"
            " `loki` is told to take next to no lines.",
            "nothing",
            words={"part": ("prometheus", "alertmanager", "webhook", "loki")},
            required=("part",),
        ),
        FaultKind("rule", "A rule is loaded that fails whenever it is evaluated.", "nothing"),
        FaultKind("unlist", "Prometheus's list of targets loses it.", "stack"),
        FaultKind("no_load", "The load ends.", "nothing"),
        FaultKind(
            "scan",
            "A client asks again and again for what is not there.",
            "nothing",
            numbers=("requests_per_second",),
            required=("requests_per_second",),
        ),
    )
}
