"""The root command. A command's module is imported when the command runs, so that help is quick."""

from __future__ import annotations

import errno
from importlib import import_module

import click
from click.shell_completion import get_completion_class

from .. import VERSION
from ..errors import AlertdrillError
from ..interrupts import INTERRUPTED, MESSAGE, raise_on_interrupt

# The module, the attribute and the short help of each command; a test compares the short help with
# the command's own.
COMMANDS = {
    "audit": ("audit", "audit", "Check that each request is counted exactly once."),
    "build-collector": (
        *("build", "build_collector"),
        "Build the OpenTelemetry Collector with Go.",
    ),
    "check": ("check", "check", "Check every configuration file."),
    "check-service": (
        *("check_service", "check_service"),
        "Check a service against the contract, and print what to fix.",
    ),
    "completion": ("app", "completion", "Print the completion script for a shell."),
    "dev": ("dev", "dev", "Start the stack, and renew services when their code changes."),
    "doctor": ("doctor", "doctor", "Check that this machine can run the stack."),
    "down": ("stack", "down", "Stop the whole stack, also after a crash."),
    "drill": ("drill", "drill", "Prove alerts by injecting faults."),
    "exec": ("stack", "execute", "Run a command in the environment of a service."),
    "false-alarms": (
        *("drill", "false_alarms_command"),
        "Verify that no alert fires under steady load.",
    ),
    "images": ("build", "images", "Publish the stack's own images."),
    "init": ("init", "init", "Declare the application in the current folder as a service."),
    "kill": ("stack", "kill", "Kill an instance or a service with SIGKILL."),
    "kill-matrix": (
        *("kill_matrix", "kill_matrix"),
        "Break every component, and record what recovers it.",
    ),
    "load": ("load", "load", "Run a load test on the running stack."),
    "logs": ("logs", "logs", "Search the log lines of the stack."),
    "new": ("new", "new", "Write the files of a new service or a new alert."),
    "open": ("stack", "open_page", "Open a page of the running stack in your browser."),
    "pause": ("stack", "pause", "Freeze an instance or a service with SIGSTOP."),
    "restart": ("stack", "restart", "Restart an instance, or a service one instance at a time."),
    "resume": ("stack", "resume", "Resume a paused instance or service."),
    "run": ("stack", "run_job", "Run the job of a service."),
    "scale": ("stack", "scale", "Scale services, as in `scale web=3`."),
    "start": ("stack", "start", "Start an instance or a service."),
    "status": ("stack", "status", "Show every instance and its state."),
    "stop": ("stack", "stop", "Stop an instance or a service gracefully."),
    "test": ("stack", "run_tests", "Run the tests of a service."),
    "up": ("stack", "up", "Start the stack, or the components that are not running."),
}

# A folder of the stack can't be written.
STORAGE_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST),
)


class ErrorGroup(click.Group):
    """A group whose commands print an expected error as one sentence and exit with 1.

    After Ctrl-C they exit with 130.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; print what is wrong and what to do."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(f"\n{MESSAGE}", err=True)
            return ctx.exit(INTERRUPTED)
        except AlertdrillError as error:
            message = str(error)
        except OSError as error:
            if error.errno not in STORAGE_ERRORS:
                raise
            file = f"{error.filename}: " if error.filename else ""
            advice = "Free space or correct the permissions, or set ALERTDRILL_HOME"
            message = f"{file}{error.strerror}. {advice} to another folder."
        from .console import printable  # noqa: PLC0415 - it imports Rich, which is slow

        click.echo(f"{click.style('✗', fg='red', bold=True)} {printable(message)}", err=True)
        return ctx.exit(1)


class LazyGroup(ErrorGroup):
    """The commands of COMMANDS, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; import its module."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"{__package__}.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command to run, whose module is imported; from now on it may clean up."""
        resolved = super().resolve_command(ctx, args)
        raise_on_interrupt()
        return resolved

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their short help; import none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup)
@click.version_option(VERSION, prog_name="alertdrill")
def main() -> None:
    """Run an observability stack in which every alert is proven."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Add this line to your shell's start-up file: eval "$(alertdrill completion bash)".
    """
    script = get_completion_class(shell)
    assert script is not None  # click has one for each of these
    click.echo(script(main, {}, "alertdrill", "_ALERTDRILL_COMPLETE").source())
