"""Explain which link of the alert pipeline is broken, from the state of each component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clients.alertmanager import Alertmanager
from ..clients.http import UnreachableError
from ..clients.prometheus import ActiveAlert, Evaluator, RuleState
from ..clients.responder import PerformedAction, ResponderClient
from .expression import branches, first_comparison
from .model import Drill

# Continues "Alertmanager has" or "Alertmanager had".
NOT_RECEIVED = (
    "it for the responder, which did not store it:"
    " the notification was not sent, was silenced, or was rejected"
)


@dataclass(frozen=True)
class AlertPipeline:
    """The components that an alert passes through; earlier times than `since` do not count.

    `since` is in seconds since 1970.
    """

    evaluator: Evaluator
    alertmanager: Alertmanager
    responder: ResponderClient
    since: float = 0.0


def explain_missing(phase: str, drill: Drill, pipeline: AlertPipeline, limit: float) -> str:
    """Return a sentence about a phase that did not come within its limit (seconds)."""
    begin = f"{drill.alert} was not {phase} within {limit:.1f} s: "
    try:
        return begin + EXPLANATIONS[phase](drill, pipeline)
    except UnreachableError as error:
        return begin + str(error)


def _pending(drill: Drill, pipeline: AlertPipeline) -> str:
    rule = pipeline.evaluator.rule(drill.alert)
    if rule is None:
        return f"{pipeline.evaluator.name} has no such rule: it was deleted or is not loaded."
    if rule.error:
        return f"its rule fails: {rule.error}."
    if rule.alerts:
        return _wrong_labels(rule)
    return (
        f"the fault ({drill.fault}) is on, but the rule does not detect it;"
        f" {_current_value(rule, drill, pipeline)}:"
        " the fault has no effect, or the rule is wrong."
    )


def _wrong_labels(rule: RuleState) -> str:
    labels = " and ".join(
        ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        for alert in rule.alerts
    )
    return f"its rule raises {labels}, without the labels that the drill expects."


def _current_value(rule: RuleState, drill: Drill, pipeline: AlertPipeline) -> str:
    comparison = first_comparison(branches(pipeline.evaluator.language, rule.query))
    if comparison is None:
        return "its expression is empty"
    samples = pipeline.evaluator.query(comparison.left)
    # Prefer the series that the drill is about.
    expected = [sample for sample in samples if _may_match(sample["metric"], drill)]
    values = ", ".join(_value(sample) for sample in expected or samples[:3]) or "nothing"
    return f"its expression returns {values} and must be {comparison.operator} {comparison.right}"


def _may_match(metric: Mapping[str, str], drill: Drill) -> bool:
    return all(metric.get(name) in (None, value) for name, value in drill.expect.labels.items())


def _matches(alert: ActiveAlert, drill: Drill) -> bool:
    return drill.expect.labels.items() <= alert.labels.items()


def _value(sample: Mapping[str, Any]) -> str:
    return f"{float(sample['value'][1]):.4g}"


def _firing(drill: Drill, pipeline: AlertPipeline) -> str:
    rule = pipeline.evaluator.rule(drill.alert)
    if rule is None:
        return f"{pipeline.evaluator.name} has no such rule."
    if not rule.alerts:
        return "it was pending and cleared: the fault was shorter than the rule's `for`."
    matching = [alert for alert in rule.alerts if _matches(alert, drill)]
    if not matching:
        return _wrong_labels(rule)
    return f"it is {matching[0].state}: its `for` of {rule.hold:g} s has not passed."


def _notified(drill: Drill, pipeline: AlertPipeline) -> str:
    if drill.expect.replacement_alert:
        return f"the responder did not raise {drill.expect.replacement_alert}."
    alerts = pipeline.alertmanager.alerts(drill.alert)
    if not alerts:
        return _not_in_alertmanager(drill, pipeline)
    if alerts[0]["status"]["inhibitedBy"]:
        return "another alert inhibits it in Alertmanager."
    receivers = [receiver["name"] for receiver in alerts[0]["receivers"]]
    if "responder" not in receivers:
        return f"Alertmanager routes it to {', '.join(receivers)}, not to the responder."
    return _not_received(pipeline)


def _not_in_alertmanager(drill: Drill, pipeline: AlertPipeline) -> str:
    rule, name = pipeline.evaluator.rule(drill.alert), pipeline.evaluator.name
    if rule and any(alert.state == "firing" for alert in rule.alerts):
        return (
            f"it fires in {name}, but Alertmanager does not have it:"
            f" the connection from {name} to Alertmanager is broken."
        )
    # The responder also polls Alertmanager.
    if pipeline.responder.decision_reason(drill.alert, pipeline.since):
        return f"Alertmanager had {NOT_RECEIVED}; the responder's own poll saw it. It is over."
    return f"it fired in {name} and was over before a notification was sent."


def _not_received(pipeline: AlertPipeline) -> str:
    try:
        pipeline.responder.misses_watchdog()
    except UnreachableError:
        return "Alertmanager sends it to the responder, which does not answer."
    return f"Alertmanager has {NOT_RECEIVED}."


def _healed(drill: Drill, pipeline: AlertPipeline) -> str:
    if not drill.expect.needs_action:
        return f"{drill.fault.target} did not restart by itself."
    responder = pipeline.responder
    actions = [
        action for action in responder.actions(pipeline.since) if action.alert == drill.alert
    ]
    if actions:
        return _describe_action(actions[-1], drill)
    reason = responder.decision_reason(drill.alert, pipeline.since)
    return f"the responder did nothing: {reason or 'it made no decision about this alert'}."


def _describe_action(action: PerformedAction, drill: Drill) -> str:
    text = f"{action.kind} of {action.target}"
    if action.dry_run:
        return f"the responder only logs {text}: set HEALING to let it act."
    if action.kind != drill.expect.heal:
        return f"the responder did {text} instead of {drill.expect.heal}."
    if action.state == "done":
        return f"the responder's {text} is done, but had no effect there."
    return f"the responder's {text} is {action.state}."


def _resolved(drill: Drill, pipeline: AlertPipeline) -> str:
    rule = pipeline.evaluator.rule(drill.alert)
    if rule is None:
        return f"{pipeline.evaluator.name} has lost its rule."
    if rule.alerts:
        end = "the service was healed" if drill.expect.needs_action else "the fault is over"
        return f"{end}, but the rule still detects it; {_current_value(rule, drill, pipeline)}."
    return f"it resolved in {pipeline.evaluator.name}, but the responder was not notified."


EXPLANATIONS = {
    "pending": _pending,
    "firing": _firing,
    "notified": _notified,
    "healed": _healed,
    "resolved": _resolved,
}
