"""The one list of the kinds of faults: targets, parameters, and the code that injects each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, create_model

from ...config import components
from ...config.services import SERVICES
from ...config.yaml_lines import Seconds, YamlModel, sentence
from ..context import DrillContext
from ..model import FaultSpec
from . import Fault, host, stack
from .slow_clients import CLIENTS

# What a kind accepts as its target: `instance` includes a whole service.
TargetScope = Literal["instance", "service", "component", "any", "none"]
Interval = Annotated[Seconds, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
# Of one kind: all that the load balancer accepts.
Clients = Annotated[int, Field(gt=0, le=1024)]
Fraction = Annotated[float, Field(gt=0, le=1)]
# What every runtime starts, but Grafana, on which no alert depends.
COMPONENTS = [
    name for name, part in components.COMPONENTS.items() if part.setting and name != "grafana"
]


def _check_replicas(count: int, info: ValidationInfo) -> int:
    service = str(info.data.get("target"))
    if service in SERVICES and count > SERVICES[service].replicas.max:
        highest = SERVICES[service].replicas.max
        raise sentence(f"instances is {count}: {service} has {highest} at most")
    return count


Replicas = Annotated[int, Field(gt=0), AfterValidator(_check_replicas)]


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault; `parameters` is the model of a drill's `fault`, with its kind and target.

    `rates` are parameters that are multiplied by the speed, `durations` are divided by it. A
    fault that `takes_down` its target puts an instance out of service, so that a restart may help.
    One that `ends_by_itself` has a duration, so it ends even if this process is killed.
    """

    name: str
    description: str
    scope: TargetScope
    fault: Callable[[FaultSpec, DrillContext], Fault]
    parameters: type[YamlModel]
    rates: Sequence[str] = ()
    durations: Sequence[str] = ()
    takes_down: bool = False
    ends_by_itself: bool = False

    def at_speed(self, parameters: Mapping[str, Any], speed: float) -> dict[str, Any]:
        """Return a fault's parameters at a speed."""
        factors = {**dict.fromkeys(self.rates, speed), **dict.fromkeys(self.durations, 1 / speed)}
        return {
            name: value * factors[name] if name in factors else value
            for name, value in parameters.items()
        }


def create(spec: FaultSpec, context: DrillContext, max_duration: float) -> Fault:
    """Return the fault of a drill, without injecting it; it lasts `max_duration` seconds."""
    kind = KINDS[spec.kind]
    parameters = kind.at_speed(spec.parameters, context.runtime.speed)
    if kind.ends_by_itself:
        parameters["duration"] = max_duration
    return kind.fault(spec.model_copy(update={"parameters": parameters}), context)


def _check_target(kind: str, scope: TargetScope, target: str) -> str:
    instances = [
        f"{name}-{number}"
        for name, service in SERVICES.items()
        for number in range(1, service.replicas.max + 1)
    ]
    allowed = {
        "service": [*SERVICES],
        "instance": [*SERVICES, *instances],
        "component": COMPONENTS,
        "any": [*SERVICES, *COMPONENTS, *instances, *(f"{name}-1" for name in COMPONENTS)],
    }[scope]
    if target not in allowed:
        names = ", ".join(name for name in (*SERVICES, *COMPONENTS) if name in allowed)
        more = f", and instances such as {instances[0]}" if instances[0] in allowed else ""
        raise sentence(f"{target!r} is no target of {kind}: known targets are {names}{more}")
    return target


def _kind(
    scope: TargetScope,
    fault: Callable[[FaultSpec, DrillContext], Fault],
    parameters: Mapping[str, Any] = {},
    name: str = "",
    **options: Any,
) -> FaultKind:
    """Return a kind; a parameter has a type, or (type, default) if a drill may omit it."""
    name = name or fault.__name__
    target: Any = Annotated[str, AfterValidator(partial(_check_target, name, scope))]
    fields = {} if scope == "none" else {"target": target}
    model = create_model(name, __base__=YamlModel, kind=str, **fields, **parameters)
    description = " ".join((inspect.getdoc(fault) or "").split())
    return FaultKind(name, description, scope, fault, model, **options)


def _service(name: str, parameters: Mapping[str, Any] = {}, **options: Any) -> FaultKind:
    optional = {key: (kind, 0.0) for key, kind in {"probability": Fraction, **parameters}.items()}
    return _kind("instance", stack.service_fault, optional, name, ends_by_itself=True, **options)


_KINDS = (
    _service("latency", {"seconds": Positive}),
    _service("errors", {"status": Positive}),
    _service("hang", takes_down=True),
    _service("crash", takes_down=True),
    _service("cpu", {"load": Positive}),
    _service(
        "memory",
        {"mib_per_second": Positive, "mib": Positive},
        rates=["mib_per_second"],
        takes_down=True,
    ),
    # A flood may contain no errors.
    _service("log_flood", {"lines_per_second": Positive, "error_ratio": NotNegative}),
    _service("unready", takes_down=True),
    _service("dependency"),
    _service("cardinality", {"series": Positive}),
    # A part of the scrape timeout, which time compression shortens too.
    _service("slow_scrape", {"seconds": Positive}, durations=["seconds"]),
    # A clock may be slow as well as fast.
    _service("clock_skew", {"seconds": float}),
    _service("log_silence"),
    _service("log_disk_full"),
    _kind("any", stack.stop, takes_down=True),
    _kind("any", stack.kill, {"every": Interval}, durations=["every"], takes_down=True),
    _kind("any", stack.pause, takes_down=True),
    _kind("instance", stack.crash_loop, takes_down=True),
    _kind("service", stack.scale, {"instances": Replicas}),
    _kind(
        "none",
        host.disk_fill,
        {
            "where": Literal["prometheus", "host"],
            "to": (Fraction, 0.95),
            "share_per_second": (Fraction, 0.001),
        },
        rates=["share_per_second"],
    ),
    _kind("none", host.cpu_stress, {"cores": (Literal["all"], "all")}),
    _kind("none", host.memory_pressure, {"initial_available": Fraction, "available": Fraction}),
    _kind(
        "none",
        stack.bad_config,
        {"component": Literal["prometheus", "alertmanager", "webhook", "loki"]},
    ),
    _kind("none", stack.bad_rule),
    _kind("component", stack.drop_targets),
    _kind("none", stack.stop_load),
    _kind("none", stack.not_found_scan, {"requests_per_second": Positive}),
    _kind("none", stack.slow_clients, dict.fromkeys(CLIENTS, (Clients, 0)), ends_by_itself=True),
)
KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _KINDS}
