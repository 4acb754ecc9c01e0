"""Types and options that several commands share."""

from __future__ import annotations

import math
from typing import Any

import click

from ..config.durations import parse_seconds

# A shell's exit code after Ctrl-C.
INTERRUPTED = 130


class Duration(click.ParamType[float]):
    """A duration such as 90s or 1h30m, in seconds; more than zero."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds; fail with the accepted form."""
        try:
            seconds = parse_seconds(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is not a duration: {error}.", param, ctx)
        if seconds == 0:
            self.fail(f"{value!r} must be more than zero.", param, ctx)
        return seconds


class Speed(click.FloatRange):
    """The factor of the time compression; not a number (nan) is refused too."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the factor; fail with a usage error if it is out of range."""
        speed = float(super().convert(value, param, ctx))
        if math.isnan(speed):  # passes every comparison with a bound
            self.fail(f"{value} is not a number.", param, ctx)
        return speed


speed_option = click.option(
    "--speed",
    default=12.0,
    show_default=True,
    type=Speed(1, 1000),
    help="Compress time: divide every duration of the ephemeral stack by this factor.",
)
# For the command that runs in a container of an ephemeral stack.
ephemeral_option = click.option(
    "--ephemeral", is_flag=True, hidden=True, help="The current stack is an ephemeral one."
)
current_stack_option = click.option(
    "--current-stack",
    is_flag=True,
    help="Use the running stack, at its own speed, instead of an ephemeral one.",
)
