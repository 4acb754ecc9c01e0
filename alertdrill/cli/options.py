"""Types and options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable

import click

from ..config.durations import parse_seconds
from ..config.service import MAX_PORT, MIN_PORT


def duration(value: str) -> float:
    """Return the seconds of an option such as 90s or 1h30m; they must be more than zero."""
    try:
        seconds = parse_seconds(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a duration: {error}.") from error
    if seconds == 0:
        raise click.BadParameter(f"{value!r} must be more than zero.")
    return seconds


def _speed(_: click.Context, __: click.Parameter, value: float) -> float:
    if math.isnan(value):  # passes every comparison with a bound
        raise click.BadParameter(f"{value} is not a number.")
    return value


speed_option = click.option(
    "--speed",
    default=12.0,
    show_default=True,
    type=click.FloatRange(1, 1000),
    callback=_speed,
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


def place_options(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that say where a new service gets its requests."""
    for option in (
        click.option("--host", help="The host name that its clients request. Default: any."),
        click.option(
            "--public", metavar="PATH", help="The path that its clients request. Default: /NAME."
        ),
        click.option(
            "--port",
            type=click.IntRange(MIN_PORT, MAX_PORT),
            help="Its port in its container. Default: the next free one.",
        ),
    ):
        command = option(command)
    return command
