"""`alertdrill new`: write the files of a new alert or a new service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..config import ROOT
from ..scaffold.alert import ALERT_KINDS, AlertKind, add_alert
from ..scaffold.repository import Repository, write_changes
from ..scaffold.service import NewService, add_service, instructions
from .console import show
from .options import place_options


@click.group()
def new() -> None:
    """Write the files of a new service or a new alert."""


@new.command()
@click.argument("name")
@click.option("--service", required=True, help="The service that the alert is about.")
@click.option(
    "--kind",
    type=click.Choice(ALERT_KINDS),
    default="errors",
    show_default=True,
    help="Failed requests, or slow ones.",
)
def alert(name: str, service: str, kind: AlertKind) -> None:
    """Write a new alert of one service.

    NAME is in PascalCase, as in OrdersErrors. The command writes the whole chain: the rule and its
    tests, the runbook, the drill and the policy entry. Each is valid at once, and lines with DECIDE
    mark what you must decide.
    """
    _write(add_alert(Repository(ROOT), name, service, kind))
    _show_commands(
        f"python -m tests.rules.mutations {name}", "make docs", f"alertdrill drill run {name}"
    )


@new.command()
@click.argument("name")
@place_options
@click.option(
    "--from",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The folder of an application that exists, which becomes the service.",
)
@click.option("--app", help='What the server loads there, as in "blog:create_app()".')
def service(name: str, **options: Any) -> None:
    """Write a new service, or adopt an application that exists.

    The command writes a small application and its tests, the entry in apps/services.yml, a load
    with its requests, and an alert about its errors with its drill. With --from and --app the
    application stays in its folder, which the command does not change. Lines with DECIDE mark what
    you must decide.
    """
    new_service = NewService(name, **options)
    if bool(new_service.folder) != bool(new_service.app):
        raise click.UsageError("--from and --app belong together: give both.")
    _write(add_service(Repository(ROOT), new_service))
    if new_service.folder:
        click.echo("\nAdd to the code in its folder, right after the application exists:\n")
        for line in instructions(new_service).splitlines():
            click.echo(f"  {line}".rstrip())
    _show_commands(
        "make up",
        f"alertdrill load {name}",
        f"alertdrill drill run {new_service.alert}",
        "make docs",
    )


def _write(repository: Repository) -> None:
    """Write the changes; show the files, and what is to decide."""
    decisions = list(repository.decisions())
    write_changes(repository)
    for path in repository.changes:
        show(f"wrote {path}")
    click.echo("\nDecide:")
    for decision in decisions:
        show(f"  {decision}")


def _show_commands(*commands: str) -> None:
    click.echo("\nThen run:")
    for command in commands:
        click.echo(f"  {command}")
