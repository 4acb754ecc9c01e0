"""The healing policy: the rule of each alert, the exclusions and the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .snapshot import ActionKind


@dataclass(frozen=True)
class Limits:
    """The limits of alerting/policy.yml, which has the reason of each; times are in seconds.

    `budget`: actions within a `window`; one more opens the circuit. `cooldown`: from a restart of
    an instance to its next; each further one within the window waits `backoff_factor` times
    longer, up to `max_cooldown`. `scale_out_stabilization` and `scale_in_stabilization`: from a
    change of a service's scale to the next one. `staleness`: how long a notification counts while
    Alertmanager does not answer, and how long an alert that Alertmanager has may go without one.
    """

    budget: int
    window: float
    cooldown: float
    backoff_factor: float
    max_cooldown: float
    scale_out_stabilization: float
    scale_in_stabilization: float
    staleness: float

    def cooldown_after(self, restarts: int) -> float:
        """Return the seconds to wait after the last of `restarts` restarts of an instance."""
        backoff = self.backoff_factor ** max(0, restarts - 1)
        return min(self.max_cooldown, self.cooldown * backoff)

    def compressed(self, speed: float) -> Limits:
        """Return these limits with every duration divided by `speed`."""
        durations = (
            *("window", "cooldown", "max_cooldown", "staleness"),
            *("scale_out_stabilization", "scale_in_stabilization"),
        )
        return replace(self, **{name: getattr(self, name) / speed for name in durations})


@dataclass(frozen=True)
class HealingRule:
    """The action for an alert, and the reason for it.

    `min_firing`: seconds that the alert must have fired. `grace_period`: seconds that a restart
    leaves the instance to finish its requests; None: that of its service. A ready instance is
    restarted only with `even_if_ready`.
    """

    action: ActionKind | Literal["none"]
    reason: str
    min_firing: float = 0.0
    grace_period: float | None = None
    even_if_ready: bool = False


@dataclass(frozen=True)
class PolicyEntry:
    """A rule for the alerts with these labels; without labels it matches every alert."""

    labels: Mapping[str, str]
    rule: HealingRule


@dataclass(frozen=True)
class Exclusion:
    """Labels whose targets are excluded from healing, and the reason."""

    labels: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Policy:
    """The whole of alerting/policy.yml."""

    limits: Limits
    exclusions: Sequence[Exclusion]
    alerts: Mapping[str, Sequence[PolicyEntry]]

    def rule_for(self, alert: str, labels: Mapping[str, str]) -> HealingRule:
        """Return the rule of the first entry that matches; no action for an unknown alert."""
        for entry in self.alerts.get(alert, ()):
            if matches(entry.labels, labels):
                return entry.rule
        return HealingRule("none", "the policy has no entry for this alert")

    def exclusion_reason(self, labels: Mapping[str, str]) -> str:
        """Return why a target with these labels is excluded, empty if it is not."""
        for exclusion in self.exclusions:
            if matches(exclusion.labels, labels):
                return f"the policy excludes it: {exclusion.reason}"
        return ""

    def compressed(self, speed: float) -> Policy:
        """Return this policy with every duration but a grace period divided by `speed`.

        A request takes as long to finish at any speed.
        """
        alerts = {
            alert: [_compress(entry, speed) for entry in entries]
            for alert, entries in self.alerts.items()
        }
        return replace(self, limits=self.limits.compressed(speed), alerts=alerts)


def matches(required: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether `labels` has every required label with its value."""
    return all(labels.get(name) == value for name, value in required.items())


def _compress(entry: PolicyEntry, speed: float) -> PolicyEntry:
    return replace(entry, rule=replace(entry.rule, min_firing=entry.rule.min_firing / speed))
