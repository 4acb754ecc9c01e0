"""Load the drill files, and reject invalid ones before a run touches the stack.

A drill is checked against the rest of its alert's chain: the rule, the runbook and the policy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from ..config import ROOT
from ..config.services import SERVICES
from ..config.yaml_lines import YamlDocument
from ..errors import AlertdrillError
from ..load.profile import load_profiles
from .expression import RULES, alert_names
from .faults.registry import KINDS
from .model import ACTIONS, NO_LOAD, Drill, InvalidDrillError, LoadSpec

RUNBOOKS = Path("alerting/runbooks")
POLICY = Path("alerting/policy.yml")
PROFILES = Path("loadtests/profiles.yml")
# The responder raises this alert itself, so no rule file has it.
WATCHDOG_MISSING = "WatchdogMissing"


@dataclass(frozen=True)
class Catalogue:
    """The valid drills by alert, and one error for each invalid or missing one."""

    drills: Mapping[str, Drill]
    errors: Sequence[str]


def load_all(root: Path = ROOT) -> Catalogue:
    """Load every drill of a repository. Each of its alerts must have one."""
    drills: dict[str, Drill] = {}
    errors: list[str] = []
    files = sorted((root / "drills").glob("*.yml"))
    for file in files:
        try:
            drills[file.stem] = load_drill(file, root)
        except InvalidDrillError as error:
            errors.append(str(error))
    missing = {*_alerts(root)} - {file.stem for file in files}
    errors += [
        f"drills/{alert}.yml:1: the alert {alert} has no drill: add one."
        for alert in sorted(missing)
    ]
    return Catalogue(drills, errors)


def load_drill(file: Path, root: Path = ROOT) -> Drill:
    """Return the drill in a file; raise `InvalidDrillError` for its first mistake.

    Raise `AlertdrillError` if the rules or the policy of the repository are unreadable.
    """
    document = YamlDocument(file, InvalidDrillError)
    drill = document.parse(Drill)
    for what, *place in _mistakes(drill, file.stem, root):
        document.refuse(what, *place)
    # The parameters as the kind of fault defines them, with durations in seconds.
    fault = document.parse(KINDS[drill.fault.kind].parameters, "fault")
    parameters = fault.model_dump(exclude_unset=True, exclude={"kind", "target"})
    update = {"fault": drill.fault.model_copy(update={"parameters": parameters})}
    return drill.model_copy(update={**update, "load": _sized(drill.load, root)})


def _sized(load: LoadSpec, root: Path) -> LoadSpec:
    """Return the load with the users of its profile, unless the drill gives a number."""
    if load.shape == NO_LOAD.shape or "users" in load.model_fields_set:
        return load
    return load.model_copy(update={"users": flat_loads(root)[load.shape]})


def _alerts(root: Path) -> list[str]:
    return alert_names(*(root / folder for folder in RULES))


def _mistakes(drill: Drill, stem: str, root: Path) -> Iterator[tuple[str, ...]]:
    """Yield the text of each mistake, and the keys of the value that it is about."""
    alert, expect, heal = drill.alert, drill.expect, drill.expect.heal
    alerts = _alerts(root)
    if alert != stem:
        yield f"the alert is {alert!r}, so the file must be {alert}.yml", "alert"
    if alert not in alerts:
        yield f"no alert {alert!r} in {' or '.join(RULES)}", "alert"
    if not (root / RUNBOOKS / f"{alert}.md").exists():
        yield f"there is no runbook {RUNBOOKS}/{alert}.md: write it", "alert"
    if expect.notified is False or expect.replacement_alert not in (
        *(None, WATCHDOG_MISSING),
        *alerts,
    ):
        value = str(expect.notified).lower()
        what = f"notified is {value!r}: it must be true, late or the name of an alert"
        yield what, "expect", "notified"
    for service in expect.affects:
        if service not in SERVICES:
            what = f"affects has {service!r}: known services are {', '.join(SERVICES)}"
            yield what, "expect", "affects"
    if drill.fault.kind not in KINDS:
        what = f"unknown fault kind {drill.fault.kind!r}: known kinds are {', '.join(KINDS)}"
        yield what, "fault", "kind"
    loads = [NO_LOAD.shape, *flat_loads(root)]
    if drill.load.shape not in loads:
        what = f"the load is {drill.load.shape!r}: use one with a constant number of clients"
        yield f"{what} ({', '.join(loads)})", "load", "shape"
    if not expect.needs_action and drill.deadlines.heal is not None:
        what = f"heal is the deadline of an action: set expect.heal to {' or '.join(ACTIONS)}"
        yield what, "deadlines", "heal"
    if expect.needs_action and drill.deadlines.heal is None:
        yield "heal is missing: it is the deadline of the action", "deadlines"
    actions = _policy_actions(root / POLICY).get(alert, ())
    if expect.needs_action and heal not in actions:
        has = " and ".join(actions) or "no entry"
        yield f"heal is {heal!r}, but {POLICY} has {has} for {alert}", "expect", "heal"


@cache
def flat_loads(root: Path = ROOT) -> Mapping[str, int]:
    """Return the number of users of each load whose number of clients is constant."""
    profiles = load_profiles(root / PROFILES)
    return {name: load.users for name, load in profiles.items() if load.flat}


@cache
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
