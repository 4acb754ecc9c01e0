"""The kinds of faults that a service can inject into itself, and their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import FaultError


@dataclass(frozen=True)
class Parameter:
    """A number parameter of a fault: its unit, default and bounds."""

    unit: str
    default: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Kind:
    """A kind of fault. It has at most three parameters beside probability and duration."""

    name: str
    description: str
    parameters: dict[str, Parameter] = field(default_factory=dict)


# The ratio of requests that a fault affects; of outgoing calls for `dependency`.
PROBABILITY = Parameter("fraction", 1.0, 0.0, 1.0)
# Every fault ends by itself, even if the program that switched it on is gone.
DURATION = Parameter("seconds", 300.0, 0.1, 3600.0)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "latency",
            "Requests wait before the service handles them.",
            {"seconds": Parameter("seconds", 1.0, 0.001, 60.0)},
        ),
        Kind(
            "errors",
            "Requests fail with a server error.",
            {"status": Parameter("HTTP status", 500.0, 500.0, 599.0)},
        ),
        Kind("hang", "Requests get no answer until the fault ends."),
        Kind("crash", "A request makes the whole instance exit with code 3."),
        Kind(
            "cpu",
            "The instance uses CPU beside its work.",
            {"load": Parameter("fraction of one core", 1.0, 0.01, 1.0)},
        ),
        Kind(
            "memory",
            "The instance allocates memory until it reaches a limit.",
            {
                "mib_per_second": Parameter("MiB/s", 10.0, 0.1, 1024.0),
                "mib": Parameter("MiB", 256.0, 1.0, 4096.0),
            },
        ),
        Kind(
            "log_flood",
            "The instance writes log lines at a fixed rate.",
            {
                "lines_per_second": Parameter("lines/s", 100.0, 1.0, 10_000.0),
                "error_ratio": Parameter("fraction of the lines", 1.0, 0.0, 1.0),
            },
        ),
        Kind("unready", "`/readyz` answers 503."),
        Kind("dependency", "Calls to other services fail with a connection error."),
        Kind(
            "cardinality",
            "The instance exposes additional series.",
            # The default is over fifty times the normal number. The maximum takes 2 s to write,
            # within the scrape timeout of 4 s.
            {"series": Parameter("series", 5000.0, 1.0, 100_000.0)},
        ),
        Kind(
            "slow_scrape",
            "`GET /metrics` answers late. Other endpoints are not affected.",
            # The default is half of the scrape interval: slow, and within the scrape timeout. The
            # maximum is far beyond any timeout, so that every scrape fails.
            {"seconds": Parameter("seconds", 2.5, 0.001, 30.0)},
        ),
        Kind(
            "clock_skew",
            "The instance logs and exports a wrong time.",
            {"seconds": Parameter("seconds ahead", 10.0, -3600.0, 3600.0)},
        ),
        Kind("log_silence", "The instance writes no log lines."),
        Kind("log_disk_full", "The instance writes its log lines to a full disk (`/dev/full`)."),
    )
}


@dataclass(frozen=True)
class Fault:
    """An active fault: its probability, its duration in seconds and its parameters by name."""

    kind: str
    probability: float
    duration: float
    parameters: dict[str, float]


def parse_fault(kind: str, body: object) -> Fault:
    """Return the fault of a JSON body; raise `FaultError` with the accepted values."""
    if kind not in KINDS:
        raise FaultError(f"Unknown fault {kind!r}: known faults are {', '.join(KINDS)}.")
    if not isinstance(body, dict):
        raise FaultError("The body must be a JSON object. Send {} for the defaults.")
    accepted = {"probability": PROBABILITY, "duration": DURATION, **KINDS[kind].parameters}
    for name in body:
        if name not in accepted:
            raise FaultError(f"{kind} has no parameter {name!r}: it accepts {', '.join(accepted)}.")
    values = {name: _value(name, body, parameter) for name, parameter in accepted.items()}
    return Fault(kind, values.pop("probability"), values.pop("duration"), values)


def _value(name: str, body: dict[str, object], parameter: Parameter) -> float:
    value = body.get(name, parameter.default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FaultError(f"{name} must be a number ({parameter.unit}).")
    if not parameter.minimum <= value <= parameter.maximum:
        bounds = f"from {parameter.minimum:g} to {parameter.maximum:g}"
        raise FaultError(f"{name} is {value!r}: it must be {bounds} ({parameter.unit}).")
    return float(value)
