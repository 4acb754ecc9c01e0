"""Read alerting/policy.yml, and refuse at the start what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from .document import Document
from .limits import Limits
from .policy import Excuse, Policy, Rule
from .wish import Wish
from .world import KINDS, Kind

ACTIONS = (*KINDS, "none")
LIMITS = (
    *("budget", "window", "cooldown", "backoff_factor", "max_cooldown"),
    *("scale_out_stabilization", "scale_in_stabilization", "staleness"),
)
# What a rule may say beside its labels, action and reason.
OPTIONS = {
    "restart": ("min_firing", "grace_period", "even_if_ready"),
    "scale_out": ("min_firing",),
    "scale_in": ("min_firing",),
}
# A runtime's own staleness with an instance that is to leave.
LONGEST_GRACE = 60.0


def read(file: Path) -> Policy:
    """Return the policy in a file; raise `PolicyError` with file, line and reason."""
    sections = ("limits", "exclusions", "alerts")
    found = Document.load(file).members(sections, required=("limits", "alerts"))
    exclusions = found["exclusions"].items() if "exclusions" in found else []
    return Policy(
        limits=_limits(found["limits"]),
        exclusions=[_excuse(item) for item in exclusions],
        alerts={name: _rules(rules) for name, rules in found["alerts"].members().items()},
    )


def _limits(document: Document) -> Limits:
    found = document.members(LIMITS, required=LIMITS)
    durations = (
        "window",
        "cooldown",
        "max_cooldown",
        "scale_out_stabilization",
        "scale_in_stabilization",
        "staleness",
    )
    return Limits(
        budget=found["budget"].whole(1),
        backoff_factor=found["backoff_factor"].number(1),
        **{name: found[name].duration() for name in durations},
    )


def _excuse(document: Document) -> Excuse:
    found = document.members(("labels", "reason"), required=("labels", "reason"))
    labels = _labels(found["labels"])
    if not labels:
        found["labels"].refuse("no labels would excuse everybody: pause the responder instead")
    return Excuse(labels, found["reason"].text())


def _rules(document: Document) -> list[Rule]:
    rules = [_rule(item) for item in document.items()]
    if not rules:
        document.refuse("an alert needs an action, which may be `none`")
    for rule, item in zip(rules[:-1], document.items()[:-1], strict=True):
        if not rule.labels:
            item.refuse("a rule without labels matches always: what follows it never counts")
    return rules


def _rule(document: Document) -> Rule:
    every = ("labels", "action", "reason")
    every_option = OPTIONS["restart"]
    found = document.members((*every, *every_option), required=("action", "reason"))
    action = found["action"].choice(ACTIONS)
    for option in every_option:
        if option in found and option not in OPTIONS.get(action, ()):
            found[option].refuse(f"{option!r} does not go with {action}")
    wish = Wish(
        action=cast("Kind", action),
        reason=found["reason"].text(),
        min_firing=found["min_firing"].duration() if "min_firing" in found else 0.0,
        grace_period=_grace(found["grace_period"]) if "grace_period" in found else None,
        even_if_ready="even_if_ready" in found and found["even_if_ready"].flag(),
    )
    return Rule(_labels(found["labels"]) if "labels" in found else {}, wish)


def _grace(document: Document) -> float:
    grace = document.duration()
    if grace > LONGEST_GRACE:
        document.refuse(f"a grace is {LONGEST_GRACE:g}s at most: no runtime waits longer")
    return grace


def _labels(document: Document) -> dict[str, str]:
    return {name: value.text() for name, value in document.members().items()}
