"""`alertdrill dev`: renew services when their code changes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from ..config import ROOT, settings
from ..config.services import SERVICES
from ..errors import AlertdrillError
from ..runtimes import service_code
from ..runtimes.base import StackRuntime, require_service
from ..runtimes.select import select_stack_runtime
from .console import note, timed, warn

# An editor writes several files within this time.
POLL_INTERVAL_S = 0.5

# The files of each service, with the times of their last changes.
Snapshot = Mapping[str, Mapping[Path, int]]


@click.command()
@click.argument("services", metavar="[SERVICE]...", nargs=-1)
def dev(services: Sequence[str]) -> None:
    """Start the stack, and renew services when their code changes.

    It watches the folders of these services, or of all, and telemetry/. After an edit, new
    instances replace the old ones without losing a request; if they do not start, an old one keeps
    serving. End it with Ctrl-C: the stack keeps running.
    """
    for service in services:
        require_service(service)
    runtime = select_stack_runtime(settings.current(for_start=True), note)
    before = snapshot(ROOT)
    with timed("starting") as on_progress:
        for sentence in runtime.up(on_progress):
            warn(sentence)
    note("watching the services and telemetry/: end with Ctrl-C")
    try:
        for changed in changes(ROOT, before):
            _renew(runtime, [name for name in changed if name in (services or SERVICES)])
    except KeyboardInterrupt:
        note("no longer watching; the stack keeps running")


def _renew(runtime: StackRuntime, services: Sequence[str]) -> None:
    for service in services:
        try:
            with timed(f"renewing {service}") as on_progress:
                runtime.renew(service, on_progress)
        except AlertdrillError as error:
            warn(f"{service} is not renewed: {error}")


def changes(root: Path, renewed: Snapshot) -> Iterator[Sequence[str]]:
    """Yield the services that each edit changes, once its files stay as they are; never end.

    `renewed` has the files that the services run at first.
    """
    latest = renewed
    while True:
        time.sleep(POLL_INTERVAL_S)
        before, latest = latest, snapshot(root)
        if latest == before and latest != renewed:
            services = [name for name in SERVICES if latest[name] != renewed[name]]
            renewed = latest
            yield services


def snapshot(root: Path) -> Snapshot:
    """Return the files that each service runs, with the times of their last changes."""
    while True:
        with suppress(FileNotFoundError):  # a file disappeared meanwhile: read all of them again
            return {
                name: dict(service_code.files(service, root)) for name, service in SERVICES.items()
            }
