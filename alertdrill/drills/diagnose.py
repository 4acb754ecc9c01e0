"""Explain which link of the alert pipeline is broken, from the state of each component."""

from __future__ import annotations

from itertools import chain

from ..clients.http import UnreachableError
from ..clients.prometheus import Evaluator, RuleState
from .context import DrillContext
from .expression import branches
from .model import Drill

# Ends the sentence about a rule that does not detect its fault.
NO_EFFECT_OR_WRONG_RULE = ": the fault has no effect, or the rule is wrong."
# Continues "Alertmanager has" or "Alertmanager had".
NOT_RECEIVED = (
    "it for the responder, which did not store it:"
    " the notification was not sent, was silenced, or was rejected"
)


def explain_missing(
    phase: str, drill: Drill, context: DrillContext, *, since: float, limit: float
) -> str:
    """Return a sentence about a phase that did not come within its limit (seconds).

    `since` is when the fault began, in seconds since 1970.
    """
    begin = f"{drill.alert} was not {phase} within {limit:.1f} s: "
    try:
        if phase == "notified":
            return begin + _not_notified(drill, context, since)
        if phase == "healed":
            return begin + _not_healed(drill, context, since)
        evaluator = context.evaluator(drill.alert)
        rule = evaluator.rule(drill.alert)
        if rule is None:
            return f"{begin}{evaluator.name} has no such rule: it was deleted or is not loaded."
        if phase == "resolved":
            return begin + _not_resolved(drill, evaluator, rule)
        return begin + _not_raised(phase, drill, evaluator, rule)
    except UnreachableError as error:
        return begin + str(error)


def _not_resolved(drill: Drill, evaluator: Evaluator, rule: RuleState) -> str:
    if not rule.alerts:
        return f"it resolved in {evaluator.name}, but the responder was not notified."
    end = "the service was healed" if drill.expect.needs_action else "the fault is over"
    return f"{end}, but the rule still detects it; {_current_value(rule, drill, evaluator)}."


def _not_raised(phase: str, drill: Drill, evaluator: Evaluator, rule: RuleState) -> str:
    """Return why the rule raised no pending alert, or none that fires."""
    if rule.error:
        return f"its rule fails: {rule.error}."
    expected = [alert for alert in rule.alerts if drill.expect.matches(alert.labels)]
    if phase == "firing" and expected:
        return f"it is {expected[0].state}: its `for` of {rule.hold:g} s has not passed."
    if rule.alerts:
        labels = " and ".join(
            ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
            for alert in rule.alerts
        )
        return f"its rule raises {labels}, without the labels that the drill expects."
    if phase == "firing":
        return "it was pending and cleared: the fault was shorter than the rule's `for`."
    return (
        f"the fault ({drill.fault}) is on, but the rule does not detect it;"
        f" {_current_value(rule, drill, evaluator)}{NO_EFFECT_OR_WRONG_RULE}"
    )


def _current_value(rule: RuleState, drill: Drill, evaluator: Evaluator) -> str:
    comparisons = chain.from_iterable(branches(evaluator.language, rule.query))
    comparison = next(comparisons, None)
    if comparison is None:
        return "its expression is empty"
    samples = evaluator.query(comparison.left)
    # Prefer the series that the drill is about.
    expected = [
        sample
        for sample in samples
        if all(sample["metric"].get(key) in (None, v) for key, v in drill.expect.labels.items())
    ]
    values = (f"{float(sample['value'][1]):.4g}" for sample in expected or samples[:3])
    shown = ", ".join(values) or "nothing"
    return f"its expression returns {shown} and must be {comparison.operator} {comparison.right}"


def _not_notified(drill: Drill, context: DrillContext, since: float) -> str:
    if drill.expect.replacement_alert:
        return f"the responder did not raise {drill.expect.replacement_alert}."
    alerts = context.alertmanager.alerts(drill.alert)
    if not alerts:
        return _not_in_alertmanager(drill, context, since)
    if alerts[0]["status"]["inhibitedBy"]:
        return "another alert inhibits it in Alertmanager."
    receivers = [receiver["name"] for receiver in alerts[0]["receivers"]]
    if "responder" not in receivers:
        return f"Alertmanager routes it to {', '.join(receivers)}, not to the responder."
    try:
        context.responder.misses_watchdog()
    except UnreachableError:
        return "Alertmanager sends it to the responder, which does not answer."
    return f"Alertmanager has {NOT_RECEIVED}."


def _not_in_alertmanager(drill: Drill, context: DrillContext, since: float) -> str:
    evaluator = context.evaluator(drill.alert)
    rule, name = evaluator.rule(drill.alert), evaluator.name
    if rule and any(alert.state == "firing" for alert in rule.alerts):
        return (
            f"it fires in {name}, but Alertmanager does not have it:"
            f" the connection from {name} to Alertmanager is broken."
        )
    # The responder also polls Alertmanager.
    if context.responder.decision_reason(drill.alert, since):
        return f"Alertmanager had {NOT_RECEIVED}; the responder's own poll saw it. It is over."
    return f"it fired in {name} and was over before a notification was sent."


def _not_healed(drill: Drill, context: DrillContext, since: float) -> str:
    if not drill.expect.needs_action:
        return f"{drill.fault.target} did not restart by itself."
    actions = [action for action in context.responder.actions(since) if action.alert == drill.alert]
    if not actions:
        reason = context.responder.decision_reason(drill.alert, since)
        return f"the responder did nothing: {reason or 'it made no decision about this alert'}."
    action = actions[-1]
    text = f"{action.kind} of {action.target}"
    if action.dry_run:
        return f"the responder only logs {text}: set HEALING to let it act."
    if action.kind != drill.expect.heal:
        return f"the responder did {text} instead of {drill.expect.heal}."
    effect = ", but had no effect there" if action.state == "done" else ""
    return f"the responder's {text} is {action.state}{effect}."
