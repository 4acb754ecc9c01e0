"""Load the drill files, and reject invalid ones before a run touches the stack.

A drill is checked against the rest of its alert's chain: the rule, the runbook and the policy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..config import ROOT
from ..config.services import SERVICES
from ..config.yaml_lines import YamlDocument
from ..errors import AlertdrillError
from .expression import alert_names
from .faults.registry import KINDS
from .model import ACTIONS, Drill, FaultSpec, InvalidDrillError

RUNBOOKS = Path("alerting/runbooks")
POLICY = Path("alerting/policy.yml")
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
    document = YamlDocument(file, InvalidDrillError)
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
    """Return the fault with the parameters as its kind defines them, durations in seconds."""
    kind = KINDS.get(fault.kind)
    if kind is None:
        document.refuse(
            f"unknown fault kind {fault.kind!r}: known kinds are {', '.join(KINDS)}",
            *("fault", "kind"),
        )
    fields = document.parse(kind.parameters, "fault").model_dump(exclude_unset=True)
    parameters = {key: fields[key] for key in fields if key not in ("kind", "target")}
    return fault.model_copy(update={"parameters": parameters})
