"""Read the drills and refuse what is wrong with them, before anything is touched."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..settings import MAX_REPLICAS, SERVICES
from ..yaml_section import YamlSection, YamlSource, load_yaml
from .drill import ACTIONS, HEALINGS, USERS, Drill, Expectation, FaultSpec, LoadSpec, Past
from .errors import InvalidDrillError
from .kinds import KINDS, FaultKind

KEYS = (
    "alert", "description", "fault", "load", "expect", "minimum", "deadlines", "backfill", "note",
)  # fmt: skip
# What a drill can stop, kill or freeze beside the services.
PARTS = (
    "lb", "responder", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter",
    "loki", "collector",
)  # fmt: skip
WHAT = "a drill is a mapping that begins with `alert:`"
SHAPES = ("steady",)
# More users than that would measure this machine, not the services.
MOST_USERS = 500


@dataclass(frozen=True)
class Catalogue:
    """All drills by alert, and what is wrong with the others, one sentence each."""

    drills: Mapping[str, Drill]
    complaints: Sequence[str]


def read_all(folder: Path, alerts: Collection[str]) -> Catalogue:
    """Read every drill of a folder against the alerts that there are."""
    drills: dict[str, Drill] = {}
    complaints: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            drills[file.stem] = read(file, alerts)
        except InvalidDrillError as error:
            complaints.append(str(error))
    tried = {file.stem for file in folder.glob("*.yml")}
    complaints += [
        f"{folder.name}/{alert}.yml:1: {alert} has no drill: an alert that was never seen to fire"
        " is not proven."
        for alert in sorted(set(alerts) - tried)
    ]
    return Catalogue(drills, complaints)


def read(file: Path, alerts: Collection[str]) -> Drill:
    """Return the drill in a file; raise `InvalidDrillError` with its first mistake."""
    drill = load_yaml(file, YamlSource(f"{file.parent.name}/{file.name}", WHAT, InvalidDrillError))
    drill.only(KEYS)
    drill.require("alert", "description", "fault", "deadlines")
    alert = drill.text("alert")
    if alert != file.stem:
        drill.refuse(f"the alert is {alert!r}, so the file must be {alert}.yml", "alert")
    if alert not in alerts:
        drill.refuse(f"there is no alert {alert!r} in prometheus/rules or loki/rules", "alert")
    deadlines = drill.section("deadlines")
    deadlines.only(("detect", "heal", "resolve"))
    deadlines.require("detect", "resolve")
    minimum = _optional(drill, "minimum", ("window", "fixed_delay"))
    expect = _expectation(drill, alerts)
    _check_healing(deadlines, expect)
    return Drill(
        alert=alert,
        says=_sentence(drill),
        fault=_fault(drill.section("fault")),
        load=_load(drill),
        expect=expect,
        detect=_budget(deadlines, "detect"),
        heal=_budget(deadlines, "heal") if expect.acted_on else 0.0,
        resolve=_budget(deadlines, "resolve"),
        window=minimum.seconds("window") if minimum else 0.0,
        world=minimum.seconds("fixed_delay") if minimum else 0.0,
        history=[_past(item) for item in drill.sections("backfill")],
        excuse=drill.text("note"),
    )


def _optional(section: YamlSection, key: str, keys: Sequence[str]) -> YamlSection | None:
    if key not in section:
        return None
    found = section.section(key)
    found.only(keys)
    return found


def _sentence(drill: YamlSection) -> str:
    description = drill.text("description")
    if not re.fullmatch(r"\S.+\.", description):
        drill.refuse("description must be a sentence", "description")
    return description


def _check_healing(deadlines: YamlSection, expect: Expectation) -> None:
    if expect.acted_on:
        deadlines.require("heal")
    elif "heal" in deadlines:
        deadlines.refuse(f"heal is the budget of an action: expect {' or '.join(ACTIONS)}", "heal")


def _budget(deadlines: YamlSection, key: str) -> float:
    seconds = deadlines.seconds(key)
    if seconds <= 0:
        deadlines.refuse(f"{key} must be more than nothing", key)
    return seconds


def _fault(fault: YamlSection) -> FaultSpec:
    fault.require("kind")
    name = fault.text("kind")
    kind = KINDS.get(name)
    if kind is None:
        fault.refuse(f"there is no fault {name!r}: there are {', '.join(KINDS)}", "kind")
    targets = ("target",) if kind.on != "nothing" else ()
    fault.only(("kind", *targets, *kind.numbers, *kind.words))
    fault.require(*targets, *kind.required)
    if targets:
        _check_target(fault, kind)
    parameters: dict[str, float | str] = {}
    for key in kind.numbers:
        if key in fault:
            parameters[key] = _number(fault, key, kind)
    for key, words in kind.words.items():
        if key in fault:
            parameters[key] = _word(fault, key, words)
    return FaultSpec(name, fault.text("target"), parameters)


def _number(fault: YamlSection, key: str, kind: FaultKind) -> float:
    value = fault.seconds(key) if key == "every" else fault.number(key)
    least, most = kind.bounds(key)
    if not least < value <= most:
        limit = f" and at most {most:g}" if most < math.inf else ""
        fault.refuse(f"{key} is {value:g}: it takes more than {least:g}{limit}", key)
    return value


def _word(section: YamlSection, key: str, words: Sequence[str]) -> str:
    word = section.text(key)
    if word not in words:
        section.refuse(f"{key} is {word!r}: it takes {' or '.join(words)}", key)
    return word


def _check_target(fault: YamlSection, kind: FaultKind) -> None:
    instances = [f"{service}-{n}" for service in SERVICES for n in range(1, MAX_REPLICAS + 1)]
    instances += [f"{part}-1" for part in PARTS]
    allowed = {
        "scales": [*SERVICES],
        "services": [*SERVICES, *instances[: len(SERVICES) * MAX_REPLICAS]],
        "stack": list(PARTS),
        "anything": [*SERVICES, *PARTS, *instances],
        "nothing": [],
    }[kind.on]
    target = fault.text("target")
    if target not in allowed:
        known = ", ".join([*SERVICES, *PARTS] if kind.on in ("anything", "stack") else SERVICES)
        more = "" if kind.on == "scales" else " and their instances, such as web-1"
        fault.refuse(
            f"there is no service or instance {target!r} that {kind.name} can strike:"
            f" there are {known}{more}",
            "target",
        )


def _load(drill: YamlSection) -> LoadSpec:
    if not drill.is_section("load"):
        shape = drill.text("load", "steady")
        users = USERS
    else:
        load = drill.section("load")
        load.only(("shape", "users"))
        load.require("shape")
        shape, users = load.text("shape"), int(load.number("users", USERS))
        if not 1 <= users <= MOST_USERS:
            load.refuse(f"users is {users}: it takes 1 to {MOST_USERS}", "users")
    if shape == "none":
        return LoadSpec(None, 0)
    if shape not in SHAPES:
        drill.refuse(f"there is no load {shape!r}: there are none, {', '.join(SHAPES)}", "load")
    return LoadSpec(shape, users)


def _expectation(drill: YamlSection, alerts: Collection[str]) -> Expectation:
    expect = _optional(drill, "expect", ("labels", "notified", "heal"))
    if expect is None:
        return Expectation()
    labels = expect.section("labels") if "labels" in expect else None
    notified = expect.text("notified", "true")
    # The responder's own alert is in nobody's rules.
    if notified not in ("true", "late", "WatchdogMissing", *alerts):
        expect.refuse(
            f"notified is {notified!r}: it takes true, late or an alert's name", "notified"
        )
    heal = expect.text("heal", "none")
    if heal not in HEALINGS:
        expect.refuse(f"heal is {heal!r}: it takes {', '.join(HEALINGS)}", "heal")
    return Expectation(
        labels={key: labels.text(key) for key in labels} if labels else {},
        notified="yes" if notified == "true" else notified,
        heal=heal,
    )


def _past(item: YamlSection) -> Past:
    item.only(("series", "duration", "offset", "step", "from", "to", "relative"))
    item.require("series", "duration", "step", "from", "to")
    over, step = item.seconds("duration"), item.seconds("step")
    if step <= 0 or over < step:
        item.refuse("step must be more than nothing and no more than duration", "step")
    series, relative = item.text("series"), item.flag("relative")
    if not relative and not re.fullmatch(r"[a-zA-Z_:][\w:]*(\{[^{}]*\})?", series):
        item.refuse(
            f'series is {series!r}: it takes a name with labels, as in up{{job="x"}}', "series"
        )
    return Past(
        series=series,
        over=over,
        step=step,
        begin=item.number("from"),
        end=item.number("to"),
        until=item.seconds("offset"),
        relative=relative,
    )  # fmt: skip
