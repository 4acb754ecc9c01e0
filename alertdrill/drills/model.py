"""The model of a drill file, and the errors of drills. Durations are in seconds at speed 1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, get_args

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ..config.yaml_lines import Seconds, YamlModel, sentence
from ..errors import AlertdrillError

# Added to each deadline at any speed, for delays on two busy cores: a poll, an instance's start or
# a late scrape.
GRACE_S = 5.0
# The duration of an action at any speed: an instance drains for up to 12 s and starts within 10 s.
ACTION_S = 25.0
# A service ends its fault by itself this long after the drill's limits.
FAULT_MARGIN_S = 30.0
Action = Literal["restart", "scale_out", "scale_in"]
# The responder's actions.
ACTIONS: Sequence[str] = get_args(Action)
# What recovers the service: nothing, the supervisor of the instances, or an action.
HealMode = Literal["none", "supervisor", Action]
DEFAULT_USERS = 24
# With more users the limit is this machine, not the services.
MAX_USERS = 500
METRIC = re.compile(r"[a-zA-Z_:][\w:]*(\{[^{}]*\})?")


class InvalidDrillError(AlertdrillError):
    """A drill file is invalid; the message begins with its name and line."""


class DrillError(AlertdrillError):
    """A drill cannot run on this stack, or what it expects did not happen."""


def describe_healer(heal: str) -> str:
    """Return the component that heals, for a `HealMode`; empty for `none`."""
    return {"none": "", "supervisor": "its supervisor"}.get(heal, "the responder")


class FaultSpec(YamlModel):
    """A kind of fault, its target, and the parameters of its kind.

    In a file the parameters stand beside `kind` and `target`; the loader checks them.
    """

    kind: str
    target: str = ""
    parameters: Mapping[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _collect_parameters(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping) or info.context is None:  # in code, they are apart
            return data
        own = {key: value for key, value in data.items() if key in ("kind", "target")}
        return {**own, "parameters": {key: data[key] for key in data if key not in own}}

    @property
    def component(self) -> str:
        """Return the component whose configuration the fault breaks; empty if there is none."""
        return str(self.parameters.get("component", ""))

    def __str__(self) -> str:
        """Return a short text, such as `errors on data-service (probability 0.5)`."""
        shown = {
            name: f"{value:g}" if isinstance(value, float) else value
            for name, value in self.parameters.items()
        }
        values = ", ".join(f"{name} {value}" for name, value in shown.items())
        target = f" on {self.target}" if self.target else ""
        return f"{self.kind}{target}" + (f" ({values})" if values else "")


class LoadSpec(YamlModel):
    """The load during a drill: a flat load profile, or `none`. A file may give the shape alone.

    The loader checks the shape. `users` is by default that of the profile.
    """

    shape: str
    users: int = Field(default=DEFAULT_USERS, ge=1, le=MAX_USERS)

    @model_validator(mode="before")
    @classmethod
    def _accept_shape(cls, data: Any) -> Any:
        return {"shape": data} if isinstance(data, str) else data


STEADY, NO_LOAD = LoadSpec(shape="steady"), LoadSpec(shape="none")


class Expectation(YamlModel):
    """What must happen. `notified` is true, `late` (after the fault) or the name of another alert.

    An action of the responder must end before the fault is removed. The fault also `affects` these
    services, beside its target: they may be scaled. If `failures` is `none`, no request may fail.
    """

    labels: Mapping[str, str] = {}
    notified: bool | str = True
    heal: HealMode = "none"
    affects: Sequence[str] = ()
    failures: Literal["any", "none"] = "any"

    @property
    def replacement_alert(self) -> str | None:
        """Return the alert that must arrive instead of the drill's alert, or None."""
        return None if self.notified in (True, "late") else str(self.notified)

    @property
    def needs_action(self) -> bool:
        """Return whether an action of the responder must recover the service."""
        return self.heal in ACTIONS

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels is the expected one."""
        return self.labels.items() <= labels.items()


class Deadlines(YamlModel):
    """The maximum times: `detect` from the fault to its notification, `resolve` from its end.

    `heal` is the time from the notification to the end of the responder's action, without ACTION_S.
    """

    detect: Seconds = Field(gt=0)
    heal: Seconds | None = Field(default=None, gt=0)
    resolve: Seconds = Field(gt=0)


class Crossing(YamlModel):
    """How long the fault takes to bring the alert's expression over its threshold, in seconds.

    `before` and `during` are the levels of the expression without the fault, and with the fault in
    the whole window of the rule: its threshold then gives the time. If `during` is None, the time
    is from `fastest` to `slowest`, as far as one scrape shows it. `fixed_delay` is the longest
    delay before it that is the same at any speed.
    """

    fastest: Seconds = 0.0
    slowest: Seconds = 0.0
    before: float = 0.0
    during: float | None = None
    fixed_delay: Seconds = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        fields = self.model_fields_set
        if self.during is None and "before" in fields:
            raise sentence("before needs during, the level with the fault", "before")
        if self.during is not None and fields & {"fastest", "slowest"}:
            raise sentence("the rule gives fastest and slowest: use them or during", "during")
        if self.fastest > self.slowest:
            raise sentence("fastest must be at most slowest", "fastest")
        if self.before == self.during:
            raise sentence(
                f"during is {self.during:g}, as before the fault: use another level", "during"
            )
        return self


class SyntheticSeries(YamlModel):
    """Samples to backfill, from `start_value` to `end_value`, before the fault.

    They span `duration` seconds and end `offset` seconds before now, with one sample every `step`
    seconds. If `relative`, `series` is a selector, and the values are multiples of the current
    value of each series that it matches.
    """

    model_config = ConfigDict(validate_by_name=True)

    series: str
    duration: Seconds
    step: Seconds
    start_value: float = Field(validation_alias="from")
    end_value: float = Field(validation_alias="to")
    offset: Seconds = 0.0
    relative: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0 < self.step <= self.duration:
            raise sentence("step must be more than 0 and at most the duration", "step")
        if not self.relative and not METRIC.fullmatch(self.series):
            raise sentence(
                f'series is {self.series!r}: it must be a name with labels, as in up{{job="x"}}',
                "series",
            )
        return self


class Drill(YamlModel):
    """A drill of one alert: the fault, the load, the expectations and their deadlines."""

    alert: str
    description: str
    fault: FaultSpec
    load: LoadSpec = STEADY
    expect: Expectation = Expectation()
    crossing: Crossing = Crossing()
    deadlines: Deadlines
    backfill: Sequence[SyntheticSeries] = ()
    # Why firing may take over twice the slowest ideal time.
    note: str = ""

    @field_validator("description")
    @classmethod
    def _check_description(cls, description: str) -> str:
        if not re.fullmatch(r"\S.+\.", description):
            raise sentence("description must be a sentence")
        return description

    def limits(self, speed: float) -> dict[str, float]:
        """Return the maximum seconds from the fault to each phase; `resolved`: from the recovery.

        A phase before the notification has the limit of the notification.
        """
        fixed = self.crossing.fixed_delay + GRACE_S
        limits = {"notified": self.deadlines.detect / speed + fixed}
        if self.expect.heal != "none":
            action = (self.deadlines.heal or 0.0) / speed + ACTION_S
            limits["healed"] = limits["notified"] + (action if self.expect.needs_action else 0.0)
        return {**limits, "resolved": self.deadlines.resolve / speed + fixed}

    def fault_duration(self, speed: float) -> float:
        """Return the maximum seconds that the drill needs the fault, with a margin."""
        limits = self.limits(speed)
        return limits.get("healed", limits["notified"]) + limits["resolved"] + FAULT_MARGIN_S
