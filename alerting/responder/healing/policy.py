"""The policy: what is done about which alert, on whom not, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .limits import Limits
from .wish import Wish


@dataclass(frozen=True)
class Rule:
    """What is wanted for the alerts whose labels have these values; without labels, for all."""

    labels: Mapping[str, str]
    wish: Wish


@dataclass(frozen=True)
class Excuse:
    """Whoever has these labels is left alone, for a reason."""

    labels: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Policy:
    """The whole of alerting/policy.yml; of an alert's rules the first that matches counts."""

    limits: Limits
    exclusions: Sequence[Excuse]
    alerts: Mapping[str, Sequence[Rule]]

    def wish(self, alert: str, labels: Mapping[str, str]) -> Wish:
        """Return what is wanted; of an alert that it does not know, nothing."""
        for rule in self.alerts.get(alert, ()):
            if matches(rule.labels, labels):
                return rule.wish
        return Wish("none", "the policy says nothing about it")

    def excuse(self, labels: Mapping[str, str]) -> str:
        """Return why the bearer of these labels is left alone, empty where it is not."""
        found = (each.reason for each in self.exclusions if matches(each.labels, labels))
        return next((f"the policy excuses it: {reason}" for reason in found), "")

    def at(self, speed: float) -> Policy:
        """Return the same at a rehearsal speed, which divides every duration but a grace.

        What a request takes to finish does not get shorter.
        """
        alerts = {
            alert: [_faster(rule, speed) for rule in rules] for alert, rules in self.alerts.items()
        }
        return replace(self, limits=self.limits.at(speed), alerts=alerts)


def matches(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether every wanted label is there with its value."""
    return all(labels.get(name) == value for name, value in wanted.items())


def _faster(rule: Rule, speed: float) -> Rule:
    return replace(rule, wish=replace(rule.wish, min_firing=rule.wish.min_firing / speed))
