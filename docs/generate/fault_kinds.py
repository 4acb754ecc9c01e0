"""The kinds of faults: those that a drill can inject, and those that a service has itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from annotated_types import Gt, Le
from pydantic.fields import FieldInfo

from alertdrill.drills.faults.registry import KINDS, FaultKind
from alertdrill.drills.faults.stack import service_fault
from alertdrill_telemetry.faults import kinds as service_faults

from .markdown import code, document, table

TARGETS = {
    "instance": "a service, or one of its instances",
    "service": "a service",
    "component": "a component of the stack",
    "any": "any component or instance",
    "none": "none",
}


def page() -> str:
    """Return the page."""
    own = [kind for kind in KINDS.values() if kind.fault is not service_fault]
    return document(
        "Fault kinds",
        "A drill names one of these in its `fault`, as in"
        " `fault: {kind: errors, target: data-service, probability: 0.5}`."
        " The engine undoes each of them when the drill ends.",
        "## Faults of the platform",
        "The engine injects these through the runtime.",
        table(("Kind", "Effect", "Target", "Parameters"), map(_row, own)),
        "## Faults of a service",
        "Each of our services injects these into itself: a drill switches them on, or you do with"
        " `PUT /faults/<kind>`. Every fault ends by itself.",
        table(("Kind", "Effect", "Parameters"), _of_services()),
        "Each of them also takes:",
        table(("Parameter", "Unit", "Default", "Minimum", "Maximum"), _common()),
    )


def _row(kind: FaultKind) -> Sequence[str]:
    parameters = [
        f"`{name}`: {_values(field)}{'' if field.is_required() else ' (optional)'}"
        for name, field in kind.parameters.model_fields.items()
        if name not in ("kind", "target")
    ]
    listed = "; ".join(parameters) or "none"
    return code(kind.name), kind.description, TARGETS[kind.scope], listed


def _values(field: FieldInfo) -> str:
    if words := get_args(field.annotation):
        return f"one of {', '.join(map(code, words))}"
    bounds = {type(bound): bound for bound in field.metadata}
    if high := bounds.get(Le):
        return f"up to {high.le:g}"
    return f"more than {bounds[Gt].gt:g}"


def _of_services() -> Iterator[Sequence[str]]:
    for kind in service_faults.KINDS.values():
        parameters = "; ".join(
            f"`{name}`: {item.minimum:g} to {item.maximum:g} ({item.unit}), by default"
            f" {item.default:g}"
            for name, item in kind.parameters.items()
        )
        yield code(kind.name), kind.description, parameters or "none"


def _common() -> Iterator[Sequence[str]]:
    common = {"probability": service_faults.PROBABILITY, "duration": service_faults.DURATION}
    for name, item in common.items():
        bounds = (f"{value:g}" for value in (item.default, item.minimum, item.maximum))
        yield code(name), item.unit, *bounds
