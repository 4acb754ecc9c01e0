"""The commands: the `--help` of each."""

from __future__ import annotations

from collections.abc import Iterator

import click

from alertdrill.cli.app import main
from deploy.airgap.__main__ import COMMAND, airgap

from .markdown import document

WIDTH = 100


def page() -> str:
    """Return the page."""
    return document(
        "Commands",
        "Each command prints this with `--help`. A command that fails prints what is wrong and"
        " what to do, and exits with 1; a wrong option or argument exits with 2.",
        *_helps(main, click.Context(main, info_name="alertdrill", terminal_width=WIDTH)),
        *_helps(airgap, click.Context(airgap, info_name=COMMAND, terminal_width=WIDTH)),
    )


def _helps(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    yield f"```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                below = click.Context(child, context, info_name=name, terminal_width=WIDTH)
                yield from _helps(child, below)
