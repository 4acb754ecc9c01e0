"""The healing policy, alerting/policy.yml: the rules of each alert, exclusions and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from ..errors import PolicyError
from ..validation import location, member_error, problem

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh])", flags=re.ASCII)
NUMBER = re.compile(r"\d+(\.\d+)?", flags=re.ASCII)
# The longest that a runtime waits for an instance to stop.
MAX_GRACE_PERIOD_S = 60.0
# The optional keys of a rule with each action.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "restart": ("min_firing", "grace_period", "even_if_ready"),
    "scale_out": ("min_firing",),
    "scale_in": ("min_firing",),
    "none": (),
}


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("must be a duration such as 30s, 10m or 1h")
    return float(match[1]) * UNITS[match[2]]


def _count(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and int(value) >= 1):
        raise ValueError("must be a whole number of 1 or more")
    return value


def _factor(value: object) -> object:
    if isinstance(value, str) and not (NUMBER.fullmatch(value) and float(value) >= 1):
        raise ValueError("must be a number of 1 or more")
    return value


def _short(seconds: float) -> float:
    if seconds > MAX_GRACE_PERIOD_S:
        raise ValueError(
            f"is too long: a grace period is at most {MAX_GRACE_PERIOD_S:g}s, since no runtime"
            " waits longer"
        )
    return seconds


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Duration = Annotated[float, BeforeValidator(_seconds)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Section):
    """The limits, each with its reason in the file; times are in seconds.

    `budget`: actions within a `window`; one more opens the circuit. `cooldown`: from a restart of
    an instance to its next; each further one within the window waits `backoff_factor` times
    longer, up to `max_cooldown`. `scale_out_stabilization` and `scale_in_stabilization`: from a
    change of a service's scale to the next one. `staleness`: how long a notification counts while
    Alertmanager does not answer, and how long an alert that Alertmanager has may go without one.
    """

    budget: Annotated[int, BeforeValidator(_count)]
    window: Duration
    cooldown: Duration
    backoff_factor: Annotated[float, BeforeValidator(_factor)]
    max_cooldown: Duration
    scale_out_stabilization: Duration
    scale_in_stabilization: Duration
    staleness: Duration

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
        return self.model_copy(update={name: getattr(self, name) / speed for name in durations})


class HealingRule(_Section):
    """The action for the alerts with these labels, and the reason; without labels, for all.

    `min_firing`: seconds that the alert must have fired. `grace_period`: seconds that a restart
    leaves the instance to finish its requests; None: that of its service. A ready instance is
    restarted only with `even_if_ready`.
    """

    labels: Mapping[str, Text] = {}
    action: Literal["restart", "scale_out", "scale_in", "none"]
    reason: Text
    min_firing: Duration = 0.0
    grace_period: Annotated[Duration, AfterValidator(_short)] | None = None
    even_if_ready: bool = False

    @model_validator(mode="after")
    def _has_options_of_its_action(self) -> Self:
        for option in OPTIONS["restart"]:
            if option in self.model_fields_set and option not in OPTIONS[self.action]:
                raise member_error(
                    option, "'{member}' is not valid with {action}", action=self.action
                )
        return self


class Exclusion(_Section):
    """Labels whose targets are excluded from healing, and the reason."""

    labels: Mapping[str, Text]
    reason: Text

    @model_validator(mode="after")
    def _has_labels(self) -> Self:
        if not self.labels:
            raise member_error(
                "labels",
                "an exclusion without labels would match everything: pause the responder instead",
            )
        return self


def _list(value: object) -> object:
    """Return a single item as a list of one."""
    return value if isinstance(value, list) else [value]


def _reachable(rules: list[HealingRule]) -> list[HealingRule]:
    if not rules:
        raise ValueError("an alert needs an action, which may be `none`")
    for index, rule in enumerate(rules[:-1]):
        if not rule.labels:
            raise member_error(
                index, "an entry without labels matches always: the entries after it have no effect"
            )
    return rules


Rules = Annotated[list[HealingRule], BeforeValidator(_list), AfterValidator(_reachable)]


class Policy(_Section):
    """The whole policy; the first of an alert's rules that matches applies."""

    limits: Limits
    exclusions: Annotated[list[Exclusion], BeforeValidator(_list)] = []
    alerts: Mapping[str, Rules]

    def rule_for(self, alert: str, labels: Mapping[str, str]) -> HealingRule:
        """Return the first rule that matches; no action for an unknown alert."""
        for rule in self.alerts.get(alert, ()):
            if matches(rule.labels, labels):
                return rule
        return HealingRule(action="none", reason="the policy has no entry for this alert")

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
            alert: [
                rule.model_copy(update={"min_firing": rule.min_firing / speed}) for rule in rules
            ]
            for alert, rules in self.alerts.items()
        }
        limits = self.limits.compressed(speed)
        return self.model_copy(update={"limits": limits, "alerts": alerts})


def matches(required: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether `labels` has every required label with its value."""
    return all(labels.get(name) == value for name, value in required.items())


def load_policy(file: Path) -> Policy:
    """Return the policy in a file; raise `PolicyError` with file, line and reason."""
    try:
        loader = yaml.BaseLoader(file.read_text(encoding="utf-8"))  # every scalar is a text
        node = loader.get_single_node()
        document = loader.construct_document(node) if node else None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The policy {file} can't be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is not YAML"
        raise PolicyError(f"{file}:{mark.line + 1 if mark else 1}: {reason}.") from None
    if node is None:
        raise PolicyError(f"{file}:1: the policy is empty.")
    _refuse_duplicates(node, file)
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # An unknown key is often the misspelled name of one that is missing.
        first = next((item for item in errors if item["type"] == "extra_forbidden"), errors[0])
        raise PolicyError(f"{file}:{_line(node, first)}: {_sentence(first)}.") from None


def _refuse_duplicates(node: yaml.Node, file: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise PolicyError(f"{file}:{line}: duplicate key {key.value!r}.")
            seen.add(key.value)
            _refuse_duplicates(value, file)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item, file)


def _line(node: yaml.Node, error: ErrorDetails) -> int:
    """Return the line of a bad value, of an unknown key, or of the mapping that lacks a key."""
    mark = node.start_mark
    for step in location(error):
        if isinstance(step, int):  # a single item counts as a list of one
            node = node.value[step] if isinstance(node, yaml.SequenceNode) else node
            mark = node.start_mark
            continue
        items = node.value if isinstance(node, yaml.MappingNode) else []
        entry = next(((key, value) for key, value in items if key.value == step), None)
        if entry is None:
            break
        key, node = entry
        mark = key.start_mark if error["type"] == "extra_forbidden" else node.start_mark
    return int(mark.line) + 1


def _sentence(error: ErrorDetails) -> str:
    """Return what is wrong, with the key or the value."""
    path, value = location(error), error["input"]
    key = path[-1] if path else ""
    words = {
        "missing": f"{key!r} is missing",
        "extra_forbidden": f"unknown key {key!r}: known keys are {_known(path[:-1])}",
        "model_type": f"expected a mapping with {_known(path)}",
        "dict_type": "expected a mapping with names",
        "string_type": "expected a text",
        "string_too_short": "expected a text",
    }
    if error["type"] in words:
        return words[error["type"]]
    if error["type"] in ("member", "value_error") and not isinstance(value, str):
        return problem(error)
    return f"{(value if isinstance(value, str) else key)!r} {problem(error)}"


def _known(path: list[Any]) -> str:
    """Return the keys of the mapping at a path."""
    if not path:
        model: type[_Section] | None = Policy
    elif path[0] == "limits":
        model = Limits
    elif path[0] == "exclusions":
        model = Exclusion
    else:
        model = HealingRule if len(path) > 2 else None
    return ", ".join(model.model_fields) if model else "names"
