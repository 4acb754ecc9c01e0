"""`alertdrill init`: declare a service in the repository of its application."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ..config import ROOT
from ..config.services import external_files
from ..scaffold.service import DECLARATION, NewService, declare, instructions
from .console import show
from .options import place_options


@click.command()
@click.argument("name")
@click.option("--app", required=True, help='What the server loads, as in "shop:create_app()".')
@place_options
def init(name: str, **options: Any) -> None:
    """Declare the application in the current folder as a service.

    The command writes alertdrill.yml here, which has the entry that a service of the stack has in
    apps/services.yml. Nothing in the stack's repository changes but its .env, which git ignores.
    """
    folder = Path.cwd()
    service = NewService(name, folder=folder, **options)
    declare(service, folder)
    show(f"wrote {DECLARATION}")
    click.echo("\nAdd to the code, right after the application exists:\n")
    for line in instructions(service).splitlines():
        click.echo(f"  {line}".rstrip())
    files = [*map(os.fspath, external_files()), str(folder / DECLARATION)]
    relative = ":".join(os.path.relpath(file, ROOT) for file in files)
    click.echo(f"\nThen run in {ROOT}, after this line is in its .env:\n")
    click.echo(f"  SERVICES_FILES={relative}\n\n  make up\n  alertdrill check-service {name}")
