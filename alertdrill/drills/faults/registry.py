"""The one list of the kinds of faults: targets, parameters, and the code that injects each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from ...config import components
from ...config.services import MAX_REPLICAS, SERVICES
from ...config.yaml_lines import Seconds, YamlModel, sentence
from ..context import DrillContext
from ..model import FaultSpec
from .base import Fault
from .host import fill_disk, stress_host
from .stack import (
    bad_config,
    bad_rule,
    crash_loop,
    drop_targets,
    kill_target,
    not_found_scan,
    pause_target,
    scale_target,
    service_fault,
    stop_load,
    stop_target,
)

# What a kind accepts as its target: `instance` includes a whole service.
TargetScope = Literal["instance", "service", "component", "any", "none"]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
# What every runtime starts, but Grafana, on which no alert depends.
COMPONENTS = [
    name for name, part in components.COMPONENTS.items() if part.setting and name != "grafana"
]


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault; `parameters` is the model of a drill's `fault`, with its kind and target.

    `rates` are parameters that are multiplied by the speed, `durations` are divided by it. A
    fault that `takes_down` its target puts an instance out of service, so that a restart may help.
    """

    name: str
    description: str
    scope: TargetScope
    fault: Callable[[FaultSpec, DrillContext], Fault]
    parameters: type[YamlModel]
    rates: Sequence[str] = ()
    durations: Sequence[str] = ()
    takes_down: bool = False

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
    if kind.fault is service_fault:  # it ends by itself, even if this process is killed
        parameters["duration"] = max_duration
    return kind.fault(spec.model_copy(update={"parameters": parameters}), context)


def _check_target(kind: str, scope: TargetScope, target: str) -> str:
    instances = [f"{service}-{n}" for service in SERVICES for n in range(1, MAX_REPLICAS + 1)]
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
    name: str,
    scope: TargetScope,
    fault: Callable[[FaultSpec, DrillContext], Fault],
    description: str,
    parameters: Mapping[str, Any] = {},
    **options: Any,
) -> FaultKind:
    """Return a kind; a parameter has a type, or (type, default) if a drill may omit it."""
    target: Any = Annotated[str, AfterValidator(partial(_check_target, name, scope))]
    fields = {} if scope == "none" else {"target": target}
    model = create_model(name, __base__=YamlModel, kind=str, **fields, **parameters)
    return FaultKind(name, description, scope, fault, model, **options)


def _service_fault(name: str, **options: Any) -> FaultKind:
    numbers = {"probability": Fraction, **options.pop("numbers", {})}
    return _kind(
        name,
        "instance",
        service_fault,
        "The service injects the fault into itself, through its endpoint /faults.",
        {key: (number, 0.0) for key, number in numbers.items()},
        **options,
    )


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _service_fault("latency", numbers={"seconds": Positive}),
        _service_fault("errors", numbers={"status": Positive}),
        _service_fault("hang", takes_down=True),
        _service_fault("crash", takes_down=True),
        _service_fault("cpu", numbers={"load": Positive}),
        _service_fault(
            "memory",
            numbers={"mib_per_second": Positive, "mib": Positive},
            rates=["mib_per_second"],
            takes_down=True,
        ),
        _service_fault(
            "log_flood",
            # A flood may contain no errors.
            numbers={"lines_per_second": Positive, "error_ratio": Annotated[float, Field(ge=0)]},
        ),
        _service_fault("unready", takes_down=True),
        _service_fault("dependency"),
        _service_fault("cardinality", numbers={"series": Positive}),
        # A part of the scrape timeout, which time compression shortens too.
        _service_fault("slow_scrape", numbers={"seconds": Positive}, durations=["seconds"]),
        # A clock may be slow as well as fast.
        _service_fault("clock_skew", numbers={"seconds": float}),
        _service_fault("log_silence"),
        _kind("stop", "any", stop_target, "The target stops gracefully.", takes_down=True),
        _kind(
            "kill",
            "any",
            kill_target,
            "The target is killed repeatedly.",
            {"every": Annotated[Seconds, Field(gt=0)]},
            durations=["every"],
            takes_down=True,
        ),
        _kind("pause", "any", pause_target, "The target is frozen (SIGSTOP).", takes_down=True),
        _kind(
            "crash_loop",
            "instance",
            crash_loop,
            "The target is stopped whenever it becomes ready.",
            takes_down=True,
        ),
        _kind(
            "scale",
            "service",
            scale_target,
            "The target runs with this number of instances.",
            {"instances": Annotated[int, Field(gt=0, le=MAX_REPLICAS)]},
        ),
        _kind(
            "disk_fill",
            "none",
            fill_disk,
            "A file takes disk space.",
            {
                "where": Literal["prometheus", "host"],
                "to": (Fraction, 0.95),
                "share_per_second": (Fraction, 0.001),
            },
            rates=["share_per_second"],
        ),
        _kind(
            "cpu_stress",
            "none",
            stress_host,
            "Every core is busy.",
            {"cores": (Literal["all"], "all")},
        ),
        _kind(
            "memory_pressure",
            "none",
            stress_host,
            "A process allocates memory until only the fraction `available` is left. It allocates"
            " the part down to `initial_available` before the drill's clock starts.",
            {"initial_available": Fraction, "available": Fraction},
        ),
        _kind(
            "bad_config",
            "none",
            bad_config,
            "A component loads a broken configuration. For `webhook`, Alertmanager sends"
            " notifications to a closed port; for `loki`, Loki rejects nearly all log lines.",
            {"component": Literal["prometheus", "alertmanager", "webhook", "loki"]},
        ),
        _kind(
            "bad_rule", "none", bad_rule, "Prometheus loads a rule whose evaluation always fails."
        ),
        _kind(
            "drop_targets",
            "component",
            drop_targets,
            "Prometheus's target list loses the target.",
        ),
        _kind("stop_load", "none", stop_load, "The load stops."),
        _kind(
            "not_found_scan",
            "none",
            not_found_scan,
            "A client requests pages that do not exist.",
            {"requests_per_second": Positive},
        ),
    )
}
