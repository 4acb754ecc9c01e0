"""`alertdrill drill list|check|run` and `alertdrill quiet`."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from . import settings
from .drills import Catalogue, InvalidDrillError, read_all, rules, screen
from .drills.drill import USERS, Drill
from .drills.quiet import watch
from .drills.report import not_passed, write
from .drills.session import Options, run, session
from .runtimes import choose
from .runtimes.compose import delegate
from .runtimes.compose.runtime import ComposeRuntime
from .screen import escape
from .section import UNITS

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)
# How a shell names the end by Ctrl-C.
INTERRUPTED = 130


class Speed(click.FloatRange):
    """How many times faster; what is no number (nan) is in every range, and refused."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return it; end with its name and the range otherwise."""
        speed = float(super().convert(value, param, ctx))
        if math.isnan(speed):  # not below any bound, nor above
            self.fail(f"{value} is no number.", param, ctx)
        return speed


speed_option = click.option(
    "--speed",
    default=12.0,
    show_default=True,
    type=Speed(1, 1000),
    help="How many times faster than in earnest all durations are.",
)
here_option = click.option(
    "--here", is_flag=True, help="Use the stack that is up, as it is, not one of the run's own."
)


@click.group()
def drill() -> None:
    """Break things for real, and see each alert fire, arrive and clear."""


@drill.command(name="list")
def list_drills() -> None:
    """List the drills, and what each breaks."""
    output.print(screen.listed(_catalogue()))


@drill.command()
def check() -> None:
    """Check every drill without touching anything."""
    catalogue = _catalogue()
    for complaint in catalogue.complaints:
        output.print(f"[bold red]✗[/] {escape(complaint)}", soft_wrap=True)
    if catalogue.complaints:
        sys.exit(1)
    output.print(f"{len(catalogue.drills)} drills are valid, one for every alert.")


@drill.command(name="run")
@click.argument("names", nargs=-1)
@speed_option
@here_option
@click.option("--failed", is_flag=True, help="Run those that did not pass in the last run.")
def run_drills(names: Sequence[str], speed: float, here: bool, failed: bool) -> None:
    """Run the drills of these alerts, or all; exit 1 unless all passed."""
    if failed:
        names = [*names, *not_passed(settings.current().home)]
    chosen = _choose(names, here)
    if _on_compose():
        words = ["drill", "run", *(names or [])]
        sys.exit(delegate.run(settings.current(), words, None if here else speed, _note))
    options = Options(speed, here)
    with (
        screen.Screen(progress) as shown,
        session(settings.current(), options, shown) as found,
    ):
        report = run(found, chosen)
        page = write(report, found.folder)
    output.print(screen.summary(report))
    output.print(f"Report: {page}", soft_wrap=True)
    if len(report.outcomes) < len(chosen):
        sys.exit(INTERRUPTED)
    sys.exit(0 if report.passed else 1)


@click.command()
@click.option("--for", "duration", default="3m", show_default=True, help="How long, such as 3m.")
@speed_option
@here_option
def quiet(duration: str, speed: float, here: bool) -> None:
    """Check that under steady load nothing fires but Watchdog; exit 1 if something does."""
    match = re.fullmatch(r"([0-9]{1,6})([smh])", duration)
    if match is None:
        raise InvalidDrillError(f"--for is {duration!r}: it takes a duration such as 90s or 3m.")
    seconds = int(match[1]) * UNITS[match[2]]
    if _on_compose():
        words = ["quiet", "--for", duration]
        sys.exit(delegate.run(settings.current(), words, None if here else speed, _note))
    with (
        screen.Screen(progress) as shown,
        session(settings.current(), Options(speed, here), shown) as found,
    ):
        heard = watch(found.stage, seconds)
    for sentence in heard:
        output.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)
    if heard:
        sys.exit(1)
    output.print(f"Quiet for {duration} at speed {found.settings.speed:g}: nothing but Watchdog.")


def _on_compose() -> bool:
    """Tell whether the stack is one of containers, and this is outside of them."""
    return isinstance(choose(settings.current(), lambda _: None), ComposeRuntime)


def _note(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}")


def _catalogue() -> Catalogue:
    return read_all(settings.ROOT / "drills", rules.alerts())


def _choose(names: Sequence[str], here: bool) -> list[Drill]:
    """Return the drills to run, all of them valid; those with the same load side by side."""
    catalogue = _catalogue()
    if catalogue.complaints:
        raise InvalidDrillError(catalogue.complaints[0])
    for name in names:
        if name not in catalogue.drills:
            raise InvalidDrillError(f"There is no drill {name!r}: see `alertdrill drill list`.")
    chosen = [found for name, found in catalogue.drills.items() if not names or name in names]
    own = os.environ.get("REHEARSAL") == "1"  # inside a stack of a run's own
    past = [found.alert for found in chosen if found.history and here and not own]
    if past:
        raise InvalidDrillError(
            f"{past[0]} needs a made-up past, which your own series are spared: drill it without"
            " --here."
        )
    return sorted(chosen, key=lambda found: (found.load.users != USERS, str(found.load)))
