"""Load the drill files, and reject invalid ones before a run touches the stack.

A drill is checked against the rest of its alert's chain: the rule, the runbook and the policy.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..config import ROOT, components
from ..config.durations import parse_seconds
from ..config.services import MAX_REPLICAS, SERVICES
from ..config.yaml_lines import YamlDocument
from ..errors import AlertdrillError
from .errors import InvalidDrillError
from .expression import alert_names
from .faults.base import FaultKind
from .faults.registry import KINDS
from .model import ACTIONS, Drill, FaultSpec

RUNBOOKS = Path("alerting/runbooks")
POLICY = Path("alerting/policy.yml")
FILE_FORMAT = "a drill is a mapping that begins with `alert:`"
# The targets of stop, kill and pause beside the services: what every runtime starts, but Grafana,
# on which no alert depends.
COMPONENTS = [name for name, part in components.COMPONENTS.items() if part.setting]
COMPONENTS.remove("grafana")
# The responder raises this alert itself, so no rule file has it.
WATCHDOG_MISSING = "WatchdogMissing"


@dataclass(frozen=True)
class Catalogue:
    """The valid drills by alert, and one error for each invalid or missing one."""

    drills: Mapping[str, Drill]
    errors: Sequence[str]


@dataclass(frozen=True)
class AlertChains:
    """What a repository has for each alert: a rule, a runbook, and the actions of its policy."""

    alerts: Sequence[str]
    runbooks: Collection[str]
    actions: Mapping[str, Collection[str]]


def read_chains(root: Path = ROOT) -> AlertChains:
    """Return the chains of a repository; raise `AlertdrillError` if a file is unreadable."""
    return AlertChains(
        alerts=alert_names(root),
        runbooks={file.stem for file in (root / RUNBOOKS).glob("*.md")},
        actions=_policy_actions(root / POLICY),
    )


def _policy_actions(file: Path) -> Mapping[str, Collection[str]]:
    """Return the actions of each alert; one entry stands for a list of one."""
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))["alerts"]
        return {
            alert: [rule["action"] for rule in (rules if isinstance(rules, list) else [rules])]
            for alert, rules in entries.items()
        }
    except (yaml.YAMLError, OSError, KeyError, TypeError, AttributeError) as error:
        raise AlertdrillError(f"{file}: cannot read the policy: {error}.") from error


def load_all(root: Path = ROOT) -> Catalogue:
    """Load every drill of a repository. Each of its alerts must have one."""
    chains = read_chains(root)
    drills: dict[str, Drill] = {}
    errors: list[str] = []
    files = sorted((root / "drills").glob("*.yml"))
    for file in files:
        try:
            drills[file.stem] = load_drill(file, chains)
        except InvalidDrillError as error:
            errors.append(str(error))
    errors += [
        f"drills/{alert}.yml:1: the alert {alert} has no drill: add one."
        for alert in sorted(set(chains.alerts) - {file.stem for file in files})
    ]
    return Catalogue(drills, errors)


def load_drill(file: Path, chains: AlertChains) -> Drill:
    """Return the drill in a file; raise `InvalidDrillError` for its first mistake."""
    document = YamlDocument(
        file, name=f"{file.parent.name}/{file.name}", form=FILE_FORMAT, error=InvalidDrillError
    )
    drill = document.parse(Drill)
    if drill.alert != file.stem:
        document.refuse(
            f"the alert is {drill.alert!r}, so the file must be {drill.alert}.yml", "alert"
        )
    if drill.alert not in chains.alerts:
        document.refuse(f"no alert {drill.alert!r} in prometheus/rules or loki/rules", "alert")
    if drill.alert not in chains.runbooks:
        document.refuse(f"there is no runbook {RUNBOOKS}/{drill.alert}.md: write it", "alert")
    _check_expectation(document, drill, chains)
    return drill.model_copy(update={"fault": _check_fault(document, drill.fault)})


def _check_expectation(document: YamlDocument, drill: Drill, chains: AlertChains) -> None:
    expect = drill.expect
    if expect.notified is False or expect.replacement_alert not in (
        None,
        WATCHDOG_MISSING,
        *chains.alerts,
    ):
        document.refuse(
            f"notified is {str(expect.notified).lower()!r}: it must be true, late or the name of"
            " an alert",
            *("expect", "notified"),
        )
    for service in expect.affects:
        if service not in SERVICES:
            document.refuse(
                f"affects has {service!r}: known services are {', '.join(SERVICES)}",
                *("expect", "affects"),
            )
    if not expect.needs_action:
        if drill.deadlines.heal is not None:
            document.refuse(
                f"heal is the deadline of an action: set expect.heal to {' or '.join(ACTIONS)}",
                *("deadlines", "heal"),
            )
        return
    if drill.deadlines.heal is None:
        document.refuse("heal is missing: it is the deadline of the action", "deadlines")
    actions = chains.actions.get(drill.alert, ())
    if expect.heal not in actions:
        document.refuse(
            f"heal is {expect.heal!r}, but {POLICY} has {' and '.join(actions) or 'no entry'}"
            f" for {drill.alert}",
            *("expect", "heal"),
        )


def _check_fault(document: YamlDocument, fault: FaultSpec) -> FaultSpec:
    """Return the fault with numbers as its parameters, durations in seconds."""
    kind = KINDS.get(fault.kind)
    if kind is None:
        document.refuse(
            f"unknown fault kind {fault.kind!r}: known kinds are {', '.join(KINDS)}",
            *("fault", "kind"),
        )
    has_target = kind.scope != "none"
    allowed = ["kind", *(["target"] if has_target else []), *kind.numbers, *kind.choices]
    keys = [*(["target"] if "target" in fault.model_fields_set else []), *fault.parameters]
    for key in keys:
        if key not in allowed:
            names = ", ".join(allowed)
            document.refuse(f"{key} is unknown: known keys are {names}", *("fault", key))
    for key in [*(["target"] if has_target else []), *kind.required]:
        if key not in keys:
            document.refuse(f"{key} is missing", "fault")
    if has_target:
        _check_target(document, fault.target, kind)
    parameters = {
        key: _number(document, key, value, kind)
        if key in kind.numbers
        else _choice(document, key, value, kind.choices[key])
        for key, value in fault.parameters.items()
    }
    return fault.model_copy(update={"parameters": parameters})


def _number(document: YamlDocument, key: str, value: object, kind: FaultKind) -> float:
    if key == "every":
        try:
            number = parse_seconds(str(value))
        except ValueError as error:
            document.refuse(f"{key} is {str(value)!r}: {error}", *("fault", key))
    elif isinstance(value, bool) or not isinstance(value, int | float):
        document.refuse(f"{key} must be a number", *("fault", key))
    else:
        number = float(value)
    low, high = kind.bounds(key)
    if not low < number <= high or not math.isfinite(number):
        limit = f" and at most {high:g}" if high < math.inf else ""
        document.refuse(
            f"{key} is {number:g}: it must be more than {low:g}{limit}", *("fault", key)
        )
    return number


def _choice(document: YamlDocument, key: str, value: object, choices: Sequence[str]) -> str:
    if value not in choices:
        document.refuse(
            f"{key} is {str(value)!r}: it must be {' or '.join(choices)}", *("fault", key)
        )
    return str(value)


def _check_target(document: YamlDocument, target: str, kind: FaultKind) -> None:
    service_instances = [
        f"{service}-{n}" for service in SERVICES for n in range(1, MAX_REPLICAS + 1)
    ]
    component_instances = [f"{component}-1" for component in COMPONENTS]
    allowed = {
        "service": [*SERVICES],
        "instance": [*SERVICES, *service_instances],
        "component": list(COMPONENTS),
        "any": [*SERVICES, *COMPONENTS, *service_instances, *component_instances],
    }[kind.scope]
    if target not in allowed:
        names = ", ".join(name for name in [*SERVICES, *COMPONENTS] if name in allowed)
        instances = ", and instances such as web-1" if kind.scope in ("instance", "any") else ""
        document.refuse(
            f"{target!r} is no target of {kind.name}: known targets are {names}{instances}",
            *("fault", "target"),
        )
