"""Say which link of the chain is broken, from what each part of it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clients import Alertmanager, Evaluator, RuleState, get_json
from .drill import Drill
from .errors import UnreachableError
from .expression import first
from .responder import PerformedAction, ResponderClient

UNTOLD = (
    "it for the responder, whose journal does not have it:"
    " it was not sent, was silenced, or was not taken"
)


@dataclass(frozen=True)
class Parts:
    """The parts that an alert passes through, and since when (seconds since 1970) it counts."""

    evaluator: Evaluator
    alertmanager: Alertmanager
    responder: str
    since: float = 0.0


def missing(phase: str, drill: Drill, parts: Parts, limit: float) -> str:
    """Return one sentence about a phase that did not come within its limit (seconds)."""
    begin = f"{drill.alert} was not {phase} within {limit:.1f} s: "
    try:
        return begin + EXPLAIN[phase](drill, parts)
    except UnreachableError as error:
        return begin + str(error)


def _pending(drill: Drill, parts: Parts) -> str:
    rule = parts.evaluator.rule(drill.alert)
    if rule is None:
        return f"{parts.evaluator.name} has no such rule, so it was deleted or is not loaded."
    if rule.error:
        return f"its rule fails: {rule.error}."
    if rule.alerts:
        return f"its rule sees {_labels(rule)}, which lacks the labels that the drill expects."
    return (
        f"the fault is on ({drill.fault}) but the rule does not see it;"
        f" {_sides(rule, drill, parts)},"
        " so either the fault does nothing or the rule looks elsewhere."
    )


def _sides(rule: RuleState, drill: Drill, parts: Parts) -> str:
    sides = first(parts.evaluator.branches(rule.query))
    if sides is None:
        return "its expression is empty"
    found = parts.evaluator.query(sides.left)
    # Of several series, the one that the drill is about.
    meant = [sample for sample in found if _fits(sample["metric"], drill)] or found[:3]
    values = ", ".join(_number(sample) for sample in meant) or "nothing"
    return f"its expression gives {values} and must be {sides.sign} {sides.right}"


def _fits(metric: dict[str, str], drill: Drill) -> bool:
    return all(metric.get(name) in (None, value) for name, value in drill.expect.labels.items())


def _fits_all(labels: Mapping[str, str], drill: Drill) -> bool:
    return all(labels.get(name) == value for name, value in drill.expect.labels.items())


def _number(sample: dict[str, Any]) -> str:
    return f"{float(sample['value'][1]):.4g}"


def _firing(drill: Drill, parts: Parts) -> str:
    rule = parts.evaluator.rule(drill.alert)
    if rule is None:
        return f"{parts.evaluator.name} has no such rule."
    if not rule.alerts:
        return "it was pending and went back: the fault did not last as long as its `for`."
    meant = [alert for alert in rule.alerts if _fits_all(alert.labels, drill)]
    if not meant:
        return f"its rule sees {_labels(rule)}, which lacks the labels that the drill expects."
    return f"it is {meant[0].state}: its `for` of {rule.hold:g} s is not over."


def _notified(drill: Drill, parts: Parts) -> str:
    if drill.expect.instead:
        return f"the responder did not raise {drill.expect.instead}."
    held = parts.alertmanager.alerts(drill.alert)
    if not held:
        return _not_held(drill, parts)
    if held[0]["status"]["inhibitedBy"]:
        return "Alertmanager holds it back, as another alert inhibits it."
    receivers = [receiver["name"] for receiver in held[0]["receivers"]]
    if "responder" not in receivers:
        return f"Alertmanager's route leads to {', '.join(receivers)}, not to the responder."
    return _untold(parts)


def _not_held(drill: Drill, parts: Parts) -> str:
    rule, name = parts.evaluator.rule(drill.alert), parts.evaluator.name
    if rule and any(alert.state == "firing" for alert in rule.alerts):
        return (
            f"{name} fires it, but Alertmanager does not have it:"
            f" the way from {name} to Alertmanager is broken."
        )
    # The responder looks by itself what Alertmanager holds, too.
    if ResponderClient(parts.responder).decision_reason(drill.alert, parts.since):
        return f"Alertmanager had {UNTOLD}; the responder looked and found it, and it is over."
    return f"{name} fired it, and it was over before anybody was told of it."


def _untold(parts: Parts) -> str:
    try:
        get_json(f"{parts.responder}/watchdog")
    except UnreachableError as error:
        # It answers 503 while it misses Watchdog, and then it is there.
        if " answers 503" not in str(error):
            return "Alertmanager sends it to the responder, which does not answer."
    return f"Alertmanager has {UNTOLD}."


def _healed(drill: Drill, parts: Parts) -> str:
    if not drill.expect.acted_on:
        return f"{drill.fault.target} did not come back by itself."
    journal = ResponderClient(parts.responder)
    found = [one for one in journal.actions(parts.since) if one.alert == drill.alert]
    if found:
        return _action(found[-1], drill)
    reason = journal.decision_reason(drill.alert, parts.since)
    return f"the responder did nothing: {reason or 'it has decided nothing about it'}."


def _action(one: PerformedAction, drill: Drill) -> str:
    if one.dry_run:
        return f"the responder only says that it would do {one.kind} of {one.target} (HEALING)."
    if one.kind != drill.expect.heal:
        return f"the responder did {one.kind} of {one.target} instead of {drill.expect.heal}."
    if one.state == "done":
        return f"the responder's {one.kind} of {one.target} is done, and changed nothing there."
    return f"the responder's {one.kind} of {one.target} is {one.state}."


def _resolved(drill: Drill, parts: Parts) -> str:
    rule = parts.evaluator.rule(drill.alert)
    if rule is None:
        return f"{parts.evaluator.name} has lost its rule."
    if rule.alerts:
        over = "it was healed" if drill.expect.acted_on else "the fault is over"
        return f"{over}, but the rule still sees it; {_sides(rule, drill, parts)}."
    return f"{parts.evaluator.name} resolved it, but the journal was not told."


def _labels(rule: RuleState) -> str:
    found: Sequence[str] = [
        ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        for alert in rule.alerts
    ]
    return " and ".join(found)


EXPLAIN = {
    "pending": _pending,
    "firing": _firing,
    "notified": _notified,
    "healed": _healed,
    "resolved": _resolved,
}
