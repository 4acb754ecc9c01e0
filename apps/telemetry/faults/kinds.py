"""The faults that a service can be told to have, and their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import FaultError


@dataclass(frozen=True)
class Parameter:
    """A number that shapes a fault: its unit, the value it has unasked, and its bounds."""

    unit: str
    default: float
    at_least: float
    at_most: float


@dataclass(frozen=True)
class Kind:
    """One fault: what it does, and at most three parameters beside probability and duration."""

    name: str
    description: str
    parameters: dict[str, Parameter] = field(default_factory=dict)


# How often a fault strikes where it can: of the requests, or of the calls for `dependency`.
PROBABILITY = Parameter("share from 0 to 1", 1.0, 0.0, 1.0)
# Every fault ends by itself, also when whoever switched it on is gone: 5 minutes unasked,
# an hour at most.
DURATION = Parameter("seconds", 300.0, 0.1, 3600.0)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "latency",
            "Requests wait before they are served.",
            {"seconds": Parameter("seconds", 1.0, 0.001, 60.0)},
        ),
        Kind(
            "errors",
            "Requests are answered with a server error.",
            {"status": Parameter("HTTP status", 500.0, 500.0, 599.0)},
        ),
        Kind("hang", "Requests are not answered until the fault ends."),
        Kind("crash", "The whole instance exits with code 3 at a request."),
        Kind(
            "cpu",
            "The instance computes beside its work.",
            {"load": Parameter("share of one core", 1.0, 0.01, 1.0)},
        ),
        Kind(
            "memory",
            "The instance keeps more and more memory.",
            {
                "mib_per_second": Parameter("MiB/s", 10.0, 0.1, 1024.0),
                "mib": Parameter("MiB", 256.0, 1.0, 4096.0),
            },
        ),
        Kind(
            "log_flood",
            "The instance logs without end.",
            {
                "lines_per_second": Parameter("lines/s", 100.0, 1.0, 10_000.0),
                "error_ratio": Parameter("share from 0 to 1", 1.0, 0.0, 1.0),
            },
        ),
        Kind("unready", "`/readyz` says that the instance can't serve."),
        Kind("dependency", "Calls to other services fail as if nothing listened there."),
        Kind(
            "cardinality",
            "The instance exposes many more series.",
            # The default is over fifty times what an instance has; the most takes 2 s to write, so
            # that it still arrives within the scrape's time limit of 4 s.
            {"series": Parameter("series", 5000.0, 1.0, 100_000.0)},
        ),
        Kind(
            "slow_scrape",
            "`GET /metrics` answers late; all else is as before.",
            # The default is half of the scrape interval: slow, and well within its time limit. The
            # most is far beyond any, so that no scrape arrives.
            {"seconds": Parameter("seconds", 2.5, 0.001, 30.0)},
        ),
        Kind(
            "clock_skew",
            "The clock is off, as the instance logs and exports it.",
            {"seconds": Parameter("seconds ahead", 10.0, -3600.0, 3600.0)},
        ),
        Kind("log_silence", "What the instance logs is not written."),
    )
}


@dataclass(frozen=True)
class Fault:
    """A fault as it was switched on: shares and seconds, and its own parameters by name."""

    kind: str
    probability: float
    duration: float
    parameters: dict[str, float]


def parse_fault(kind: str, asked: object) -> Fault:
    """Return the fault that a JSON body asks for; raise `FaultError` saying what is accepted."""
    if kind not in KINDS:
        raise FaultError(f"There is no fault {kind!r}: there are {', '.join(KINDS)}.")
    if not isinstance(asked, dict):
        raise FaultError("The body must be a JSON object, {} for the defaults.")
    accepted = {"probability": PROBABILITY, "duration": DURATION, **KINDS[kind].parameters}
    for name in asked:
        if name not in accepted:
            raise FaultError(f"{kind} has no parameter {name!r}: it has {', '.join(accepted)}.")
    values = {name: _value(name, asked, parameter) for name, parameter in accepted.items()}
    return Fault(kind, values.pop("probability"), values.pop("duration"), values)


def _value(name: str, asked: dict[str, object], parameter: Parameter) -> float:
    value = asked.get(name, parameter.default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FaultError(f"{name} must be a number ({parameter.unit}).")
    if not parameter.at_least <= value <= parameter.at_most:
        bounds = f"from {parameter.at_least:g} to {parameter.at_most:g}"
        raise FaultError(f"{name} is {value!r}: it takes {parameter.unit}, {bounds}.")
    return float(value)
