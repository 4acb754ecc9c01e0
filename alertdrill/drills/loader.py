"""Load the drill files, and reject invalid ones before a run touches the stack."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.services import MAX_REPLICAS, SERVICES
from ..yaml_reader import YamlSection, YamlSource, load_yaml
from .errors import InvalidDrillError
from .faults.base import FaultKind
from .faults.registry import KINDS
from .model import (
    ACTIONS,
    DEFAULT_USERS,
    HEAL_MODES,
    Crossing,
    Drill,
    Expectation,
    FaultSpec,
    LoadSpec,
    SyntheticSeries,
)

KEYS = (
    "alert", "description", "fault", "load", "expect", "crossing", "deadlines", "backfill", "note",
)  # fmt: skip
# The targets of stop, kill and pause beside the services.
COMPONENTS = (
    "lb", "responder", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter",
    "loki", "collector",
)  # fmt: skip
FILE_FORMAT = "a drill is a mapping that begins with `alert:`"
LOAD_SHAPES = ("steady",)
# With more users the limit is this machine, not the services.
MAX_USERS = 500


@dataclass(frozen=True)
class Catalogue:
    """The valid drills by alert, and one error for each invalid or missing one."""

    drills: Mapping[str, Drill]
    errors: Sequence[str]


def load_all(folder: Path, alerts: Collection[str]) -> Catalogue:
    """Load every drill of a folder. Each of the `alerts` must have one."""
    drills: dict[str, Drill] = {}
    errors: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            drills[file.stem] = load_drill(file, alerts)
        except InvalidDrillError as error:
            errors.append(str(error))
    drilled = {file.stem for file in folder.glob("*.yml")}
    errors += [
        f"{folder.name}/{alert}.yml:1: the alert {alert} has no drill: add one."
        for alert in sorted(set(alerts) - drilled)
    ]
    return Catalogue(drills, errors)


def load_drill(file: Path, alerts: Collection[str]) -> Drill:
    """Return the drill in a file; raise `InvalidDrillError` for its first mistake."""
    drill = load_yaml(
        file, YamlSource(f"{file.parent.name}/{file.name}", FILE_FORMAT, InvalidDrillError)
    )
    drill.only(KEYS)
    drill.require("alert", "description", "fault", "deadlines")
    alert = drill.text("alert")
    if alert != file.stem:
        drill.refuse(f"the alert is {alert!r}, so the file must be {alert}.yml", "alert")
    if alert not in alerts:
        drill.refuse(f"no alert {alert!r} in prometheus/rules or loki/rules", "alert")
    deadlines = drill.section("deadlines")
    deadlines.only(("detect", "heal", "resolve"))
    deadlines.require("detect", "resolve")
    crossing = _optional(
        drill, "crossing", ("before", "during", "fastest", "slowest", "fixed_delay")
    )
    expect = _expectation(drill, alerts)
    _check_heal_deadline(deadlines, expect)
    return Drill(
        alert=alert,
        description=_description(drill),
        fault=_fault(drill.section("fault")),
        load=_load(drill),
        expect=expect,
        detect=_deadline(deadlines, "detect"),
        heal=_deadline(deadlines, "heal") if expect.needs_action else 0.0,
        resolve=_deadline(deadlines, "resolve"),
        crossing=_crossing(crossing) if crossing else Crossing(),
        fixed_delay=crossing.seconds("fixed_delay") if crossing else 0.0,
        backfill=[_synthetic_series(item) for item in drill.sections("backfill")],
        note=drill.text("note"),
    )


def _optional(section: YamlSection, key: str, keys: Sequence[str]) -> YamlSection | None:
    if key not in section:
        return None
    subsection = section.section(key)
    subsection.only(keys)
    return subsection


def _crossing(section: YamlSection) -> Crossing:
    before, during = section.number("before", 0.0), section.number("during", 0.0)
    fastest, slowest = section.seconds("fastest"), section.seconds("slowest")
    if "during" not in section:
        if "before" in section:
            section.refuse("before needs during, the level with the fault", "before")
        if fastest > slowest:
            section.refuse("fastest must be at most slowest", "fastest")
        return Crossing(fastest, slowest)
    if "fastest" in section or "slowest" in section:
        section.refuse("the rule gives fastest and slowest: use them or during", "during")
    if before == during:
        section.refuse(f"during is {during:g}, as before the fault: use another level", "during")
    return Crossing(before=before, during=during)


def _description(drill: YamlSection) -> str:
    description = drill.text("description")
    if not re.fullmatch(r"\S.+\.", description):
        drill.refuse("description must be a sentence", "description")
    return description


def _check_heal_deadline(deadlines: YamlSection, expect: Expectation) -> None:
    if expect.needs_action:
        deadlines.require("heal")
    elif "heal" in deadlines:
        deadlines.refuse(
            f"heal is the deadline of an action: set expect.heal to {' or '.join(ACTIONS)}", "heal"
        )


def _deadline(deadlines: YamlSection, key: str) -> float:
    seconds = deadlines.seconds(key)
    if seconds <= 0:
        deadlines.refuse(f"{key} must be more than 0", key)
    return seconds


def _fault(fault: YamlSection) -> FaultSpec:
    fault.require("kind")
    name = fault.text("kind")
    kind = KINDS.get(name)
    if kind is None:
        fault.refuse(f"unknown fault kind {name!r}: known kinds are {', '.join(KINDS)}", "kind")
    targets = ("target",) if kind.scope != "none" else ()
    fault.only(("kind", *targets, *kind.numbers, *kind.choices))
    fault.require(*targets, *kind.required)
    if targets:
        _check_target(fault, kind)
    parameters: dict[str, float | str] = {}
    for key in kind.numbers:
        if key in fault:
            parameters[key] = _number(fault, key, kind)
    for key, choices in kind.choices.items():
        if key in fault:
            parameters[key] = _choice(fault, key, choices)
    return FaultSpec(name, fault.text("target"), parameters)


def _number(fault: YamlSection, key: str, kind: FaultKind) -> float:
    value = fault.seconds(key) if key == "every" else fault.number(key)
    low, high = kind.bounds(key)
    if not low < value <= high:
        limit = f" and at most {high:g}" if high < math.inf else ""
        fault.refuse(f"{key} is {value:g}: it must be more than {low:g}{limit}", key)
    return value


def _choice(section: YamlSection, key: str, choices: Sequence[str]) -> str:
    choice = section.text(key)
    if choice not in choices:
        section.refuse(f"{key} is {choice!r}: it must be {' or '.join(choices)}", key)
    return choice


def _check_target(fault: YamlSection, kind: FaultKind) -> None:
    service_instances = [
        f"{service}-{n}" for service in SERVICES for n in range(1, MAX_REPLICAS + 1)
    ]
    component_instances = [f"{component}-1" for component in COMPONENTS]
    allowed = {
        "service": [*SERVICES],
        "instance": [*SERVICES, *service_instances],
        "component": list(COMPONENTS),
        "any": [*SERVICES, *COMPONENTS, *service_instances, *component_instances],
        "none": [],
    }[kind.scope]
    target = fault.text("target")
    if target not in allowed:
        names = ", ".join(name for name in [*SERVICES, *COMPONENTS] if name in allowed)
        instances = ", and instances such as web-1" if kind.scope in ("instance", "any") else ""
        fault.refuse(
            f"{target!r} is no target of {kind.name}: known targets are {names}{instances}",
            "target",
        )


def _load(drill: YamlSection) -> LoadSpec:
    if not drill.is_section("load"):
        shape = drill.text("load", "steady")
        users = DEFAULT_USERS
    else:
        load = drill.section("load")
        load.only(("shape", "users"))
        load.require("shape")
        shape, users = load.text("shape"), int(load.number("users", DEFAULT_USERS))
        if not 1 <= users <= MAX_USERS:
            load.refuse(f"users is {users}: it must be from 1 to {MAX_USERS}", "users")
    if shape == "none":
        return LoadSpec(None, 0)
    if shape not in LOAD_SHAPES:
        shapes = ", ".join(LOAD_SHAPES)
        drill.refuse(f"unknown load {shape!r}: known loads are none, {shapes}", "load")
    return LoadSpec(shape, users)


def _expectation(drill: YamlSection, alerts: Collection[str]) -> Expectation:
    expect = _optional(drill, "expect", ("labels", "notified", "heal"))
    if expect is None:
        return Expectation()
    labels = expect.section("labels") if "labels" in expect else None
    notified = expect.text("notified", "true")
    # The responder raises WatchdogMissing itself, so no rule file has it.
    if notified not in ("true", "late", "WatchdogMissing", *alerts):
        expect.refuse(
            f"notified is {notified!r}: it must be true, late or the name of an alert", "notified"
        )
    heal = expect.text("heal", "none")
    if heal not in HEAL_MODES:
        expect.refuse(f"heal is {heal!r}: it must be one of {', '.join(HEAL_MODES)}", "heal")
    return Expectation(
        labels={key: labels.text(key) for key in labels} if labels else {},
        notified="yes" if notified == "true" else notified,
        heal=heal,
    )


def _synthetic_series(item: YamlSection) -> SyntheticSeries:
    item.only(("series", "duration", "offset", "step", "from", "to", "relative"))
    item.require("series", "duration", "step", "from", "to")
    duration, step = item.seconds("duration"), item.seconds("step")
    if step <= 0 or duration < step:
        item.refuse("step must be more than 0 and at most the duration", "step")
    series, relative = item.text("series"), item.flag("relative")
    if not relative and not re.fullmatch(r"[a-zA-Z_:][\w:]*(\{[^{}]*\})?", series):
        item.refuse(
            f'series is {series!r}: it must be a name with labels, as in up{{job="x"}}', "series"
        )
    return SyntheticSeries(
        series=series,
        duration=duration,
        step=step,
        start_value=item.number("from"),
        end_value=item.number("to"),
        offset=item.seconds("offset"),
        relative=relative,
    )
