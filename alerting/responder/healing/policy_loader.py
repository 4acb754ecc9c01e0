"""Load alerting/policy.yml; an error in it stops the start."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from .policy import Exclusion, HealingRule, Limits, Policy, PolicyEntry
from .snapshot import ACTION_KINDS, ActionKind
from .yaml_reader import YamlNode

ACTIONS = (*ACTION_KINDS, "none")
DURATIONS = (
    *("window", "cooldown", "max_cooldown"),
    *("scale_out_stabilization", "scale_in_stabilization", "staleness"),
)
LIMITS = ("budget", "backoff_factor", *DURATIONS)
# The optional keys of an entry with each action.
OPTIONS = {
    "restart": ("min_firing", "grace_period", "even_if_ready"),
    "scale_out": ("min_firing",),
    "scale_in": ("min_firing",),
}
# The longest that a runtime waits for an instance to stop.
MAX_GRACE_PERIOD_S = 60.0


def load_policy(file: Path) -> Policy:
    """Return the policy in a file; raise `PolicyError` with file, line and reason."""
    sections = ("limits", "exclusions", "alerts")
    root = YamlNode.load(file).mapping(sections, required=("limits", "alerts"))
    exclusions = root["exclusions"].sequence() if "exclusions" in root else []
    return Policy(
        limits=_limits(root["limits"]),
        exclusions=[_exclusion(node) for node in exclusions],
        alerts={alert: _entries(node) for alert, node in root["alerts"].mapping().items()},
    )


def _limits(node: YamlNode) -> Limits:
    values = node.mapping(LIMITS, required=LIMITS)
    return Limits(
        budget=values["budget"].whole_number(1),
        backoff_factor=values["backoff_factor"].number(1),
        **{name: values[name].duration() for name in DURATIONS},
    )


def _exclusion(node: YamlNode) -> Exclusion:
    values = node.mapping(("labels", "reason"), required=("labels", "reason"))
    labels = _labels(values["labels"])
    if not labels:
        values["labels"].fail(
            "an exclusion without labels would match everything: pause the responder instead"
        )
    return Exclusion(labels, values["reason"].text())


def _entries(node: YamlNode) -> list[PolicyEntry]:
    entries = [_entry(item) for item in node.sequence()]
    if not entries:
        node.fail("an alert needs an action, which may be `none`")
    for entry, item in zip(entries[:-1], node.sequence()[:-1], strict=True):
        if not entry.labels:
            item.fail("an entry without labels matches always: the entries after it have no effect")
    return entries


def _entry(node: YamlNode) -> PolicyEntry:
    options = OPTIONS["restart"]
    values = node.mapping(("labels", "action", "reason", *options), required=("action", "reason"))
    action = values["action"].choice(ACTIONS)
    for option in options:
        if option in values and option not in OPTIONS.get(action, ()):
            values[option].fail(f"{option!r} is not valid with {action}")
    rule = HealingRule(
        action=cast("ActionKind", action),
        reason=values["reason"].text(),
        min_firing=values["min_firing"].duration() if "min_firing" in values else 0.0,
        grace_period=_grace_period(values["grace_period"]) if "grace_period" in values else None,
        even_if_ready="even_if_ready" in values and values["even_if_ready"].flag(),
    )
    return PolicyEntry(_labels(values["labels"]) if "labels" in values else {}, rule)


def _grace_period(node: YamlNode) -> float:
    seconds = node.duration()
    if seconds > MAX_GRACE_PERIOD_S:
        node.fail(f"a grace period is at most {MAX_GRACE_PERIOD_S:g}s: no runtime waits longer")
    return seconds


def _labels(node: YamlNode) -> dict[str, str]:
    return {name: value.text() for name, value in node.mapping().items()}
