"""The healing policy, alerting/policy.yml: the rules of each alert, exclusions and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)

from ..errors import PolicyError
from ..validation import ClosedModel, first_error

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)([smh])\s*", flags=re.ASCII)
# The longest that a runtime waits for an instance to stop.
MAX_GRACE_PERIOD_S = 60.0
# The optional keys of a rule with each action.
OPTIONS: Mapping[object, tuple[str, ...]] = {
    "restart": ("min_firing", "grace_period", "even_if_ready"),
    "scale_out": ("min_firing",),
    "scale_in": ("min_firing",),
    "none": (),
}


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = DURATION.fullmatch(value)
    if match is None:
        raise ValueError("it must be a duration such as 30s, 10m or 1h")
    return float(match[1]) * UNITS[match[2]]


def _compress(seconds: float, info: ValidationInfo) -> float:
    speed: float = (info.context or {}).get("speed", 1.0)
    return seconds / speed


def _short(seconds: float) -> float:
    if seconds > MAX_GRACE_PERIOD_S:
        raise ValueError(
            f"it must be {MAX_GRACE_PERIOD_S:g}s or less, since no runtime waits longer for an"
            " instance to stop"
        )
    return seconds


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Duration = Annotated[float, BeforeValidator(_seconds), AfterValidator(_compress)]
# A request takes as long to finish at any speed.
GracePeriod = Annotated[float, BeforeValidator(_seconds), AfterValidator(_short)]


class Limits(ClosedModel):
    """The limits, each with its reason in the file; times are in seconds.

    `budget`: actions on a service within a `window`; one more opens its circuit. `cooldown`: from
    the end of a restart of an instance to its next; each further one within the window waits
    `backoff_factor` times longer, up to `max_cooldown`. `scale_out_stabilization` and
    `scale_in_stabilization`: from the end of a change of a service's scale to the next one.
    `staleness`: how long a notification counts while Alertmanager does not answer, and how long an
    alert that Alertmanager has may go without one.
    """

    budget: PositiveInt
    window: Duration
    cooldown: Duration
    backoff_factor: Annotated[float, Field(ge=1)]
    max_cooldown: Duration
    scale_out_stabilization: Duration
    scale_in_stabilization: Duration
    staleness: Duration


class HealingRule(ClosedModel):
    """The action for the alerts with these labels, and the reason; without labels, for all.

    `min_firing`: seconds that the alert must have fired. `grace_period`: seconds that a restart
    leaves the instance to finish its requests; None: that of its service. A ready instance is
    restarted only with `even_if_ready`.
    """

    labels: Mapping[str, Text] = {}
    action: Literal["restart", "scale_out", "scale_in", "none"]
    reason: Text
    min_firing: Duration = 0.0
    grace_period: GracePeriod | None = None
    even_if_ready: bool = False

    @classmethod
    def known_keys(cls, data: Mapping[str, object]) -> list[str]:
        """Return the keys that a rule with its action may have."""
        action = data.get("action")
        options = OPTIONS.get(action if isinstance(action, str) else "", OPTIONS["restart"])
        return ["labels", "action", "reason", *options]


def _some(labels: Mapping[str, str]) -> Mapping[str, str]:
    if not labels:
        raise ValueError("without labels it matches everything: pause the responder instead")
    return labels


class Exclusion(ClosedModel):
    """Labels whose targets are excluded from healing, and the reason."""

    labels: Annotated[Mapping[str, Text], AfterValidator(_some)]
    reason: Text


def _list(value: object) -> object:
    """Return a single item as a list of one."""
    return value if isinstance(value, list) else [value]


def _reachable(rules: list[HealingRule]) -> list[HealingRule]:
    if not rules:
        raise ValueError("an alert needs an action, which may be `none`")
    if not all(rule.labels for rule in rules[:-1]):
        raise ValueError(
            "an entry without labels matches always: the entries after it have no effect"
        )
    return rules


Rules = Annotated[list[HealingRule], BeforeValidator(_list), AfterValidator(_reachable)]


class Policy(ClosedModel):
    """The whole policy; the first of an alert's rules that matches applies."""

    limits: Limits
    exclusions: Annotated[Sequence[Exclusion], BeforeValidator(_list)] = ()
    alerts: Mapping[str, Rules]

    def rule_for(self, alert: str, labels: Mapping[str, str]) -> HealingRule:
        """Return the first rule that matches; no action for an unknown alert."""
        for rule in self.alerts.get(alert, ()):
            if rule.labels.items() <= labels.items():
                return rule
        return HealingRule(action="none", reason="the policy has no entry for this alert")

    def exclusion_reason(self, labels: Mapping[str, str]) -> str:
        """Return why a target with these labels is excluded, empty if it is not."""
        for exclusion in self.exclusions:
            if exclusion.labels.items() <= labels.items():
                return f"the policy excludes it: {exclusion.reason}"
        return ""


class _Loader(yaml.BaseLoader):
    """Reads every scalar as a text, and refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        for number, (key, _) in enumerate(node.value):
            if any(key.value == other.value for other, _ in node.value[:number]):
                problem = f"duplicate key {key.value!r}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return mapping


def load_policy(file: Path, speed: float = 1.0) -> Policy:
    """Return the policy in a file, with every duration but a grace period divided by `speed`.

    Raises `PolicyError` with file, line and reason.
    """
    try:
        with file.open(encoding="utf-8") as text:
            loader = _Loader(text)
            node = loader.get_single_node()
            document = loader.construct_document(node) if node else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # with file and line, on several lines
        raise PolicyError(f"The policy {file} can't be read: {reason}.") from None
    try:
        return Policy.model_validate(document, context={"speed": speed})
    except ValidationError as error:
        path, message = first_error(error)
        raise PolicyError(f"{file}:{_line(node, path)}: {message}") from None


def _line(node: yaml.Node | None, path: list[str | int]) -> int:
    """Return the line of a value, or of the mapping that lacks it."""
    for step in path:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):  # a single item counts as a list of one
            node = next((value for key, value in node.value if key.value == step), node)
    return int(node.start_mark.line) + 1 if node else 1
