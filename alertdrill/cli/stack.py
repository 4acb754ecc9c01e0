"""The commands that start, stop and inspect the stack."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Sequence

import click

from ..config import settings
from ..config.derived import write_stale_files
from ..config.services import SERVICES
from ..drills.undo import end_abandoned_runs
from ..errors import AlertdrillError
from ..runtimes.base import (
    EphemeralStackOwner,
    ProgressCallback,
    RunningStack,
    StackRuntime,
    require_service,
)
from ..runtimes.select import select_running_stack, select_stack_runtime
from .app import COMMANDS
from .console import address_table, instance_table, note, output, timed, warn
from .doctor import path_hint


def _stack_runtime() -> StackRuntime:
    return select_stack_runtime(settings.current(), note)


def _running_stack() -> RunningStack:
    return select_running_stack(settings.current(), note)


def update_derived_files(on_progress: ProgressCallback) -> None:
    """Write the files that follow from apps/services.yml if they are out of date."""
    for name in write_stale_files(SERVICES):
        on_progress(f"wrote {name} from apps/services.yml")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the addresses and instances as JSON.")
def up(as_json: bool) -> None:
    """Start the stack, or the components that are not running."""
    begun = time.monotonic()
    runtime = select_stack_runtime(settings.current(for_start=True), note)
    with timed("starting") as on_progress:
        update_derived_files(on_progress)
        missing = runtime.up(on_progress)
    seconds = time.monotonic() - begun
    instances = runtime.status()
    if as_json:
        report = {
            "runtime": runtime.name,
            "addresses": dict(runtime.addresses()),
            "instances": [vars(instance) for instance in instances],
            "missing": list(missing),
            "seconds": round(seconds, 1),
        }
        click.echo(json.dumps(report, indent=2))
        return
    for sentence in missing:
        warn(sentence)
    output.print(address_table(runtime.addresses()))
    output.print(instance_table(instances))
    output.print(f"Up in {seconds:.1f} s ({runtime.name}). Stop it with `make down`.")
    if hint := path_hint():
        output.print(hint, soft_wrap=True)


@click.command()
def down() -> None:
    """Stop the whole stack, also after a crash.

    It also ends what a killed run of drills or a killed load has left, and says what it finds.
    """
    stack = settings.current()
    runtime = select_stack_runtime(stack, note)
    with timed("stopping") as on_progress:
        end_abandoned_runs(stack, on_progress)
        runtime.down(on_progress)
    output.print("Down.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the instances as JSON.")
def status(as_json: bool) -> None:
    """Show every instance and its state.

    Exit with 1 unless all of them are ready.
    """
    runtime = _running_stack()
    instances = runtime.status()
    if as_json:
        click.echo(json.dumps([vars(instance) for instance in instances], indent=2))
    elif not instances:
        output.print("The stack is down: start it with `make up`.")
    else:
        output.print(address_table(runtime.addresses()))
        output.print(instance_table(instances))
        if any(instance.state in ("stopped", "failed") for instance in instances):
            output.print("Start what is missing with `make up`.")
    if isinstance(runtime, EphemeralStackOwner):
        for sentence in runtime.ephemeral_stacks():
            warn(sentence)
    healthy = instances and all(instance.state in ("ready", "standby") for instance in instances)
    sys.exit(0 if healthy else 1)


@click.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(service: str, command: Sequence[str]) -> None:
    """Run a command in the environment of a service.

    It has the code, variables, secrets and volumes of the service, as in
    `exec blog -- flask --app blog db upgrade`. It runs beside the instances, and exits with the
    code of the command.
    """
    sys.exit(_stack_runtime().execute(service, command))


@click.command(name="run", context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_job(service: str, arguments: Sequence[str]) -> None:
    """Run the job of a service.

    The job is a command in its entry in apps/services.yml, as in `job: flask --app orders report`.
    ARGUMENTS come after it, as in `run orders -- --rows 5`. It has what `exec` gives a command, and
    exits with its code.
    """
    job = require_service(service).job
    if job is None:
        raise AlertdrillError(
            f"{service} has no job: add one to its entry in apps/services.yml, as in"
            " `job: flask --app orders report`, or use `alertdrill exec`."
        )
    sys.exit(_stack_runtime().execute(service, [*shlex.split(job), *arguments]))


@click.command(name="test", context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_tests(service: str, arguments: Sequence[str]) -> None:
    """Run the tests of a service.

    They are the command `test` of its entry in apps/services.yml, or else pytest with its folder in
    tests/unit/apps. ARGUMENTS come after it, as in `test web -- -k home`. The tests have the
    variables, secrets and volumes of the service, and the exit code is theirs.
    """
    sys.exit(_stack_runtime().test(service, arguments))


@click.command()
@click.argument("replicas", metavar="SERVICE=COUNT...", nargs=-1, required=True)
def scale(replicas: Sequence[str]) -> None:
    """Scale services, as in `scale web=3`.

    COUNT is the number of instances that the service has afterwards.
    """
    scales = []
    for item in replicas:  # all of them, before any is scaled
        # Nine digits at most: int() refuses very long ones.
        match = re.fullmatch(r"([^=]+)=([0-9]{1,9})", item)
        if match is None:
            raise AlertdrillError(f"{item!r} is not SERVICE=COUNT: write it as in web=3.")
        scales.append((match[1], int(match[2])))
    runtime = _running_stack()
    for service, count in scales:
        with timed(f"scaling {service}") as on_progress:
            runtime.scale(service, count, on_progress)


def _action(name: str, detail: str = "") -> click.Command:
    """Return a command that calls the runtime's method of that name for one target."""
    target = "TARGET is an instance or a service, such as web-1 or web."

    @click.command(name=name, help=f"{COMMANDS[name][2]}\n\n{target} {detail}".rstrip())
    @click.argument("target")
    def act(target: str) -> None:
        runtime = _running_stack()
        with timed(f"{name} {target}"):
            getattr(runtime, name)(target)
        output.print(f"{name} {target}: done.")

    return act


start = _action("start")
stop = _action("stop", "Alerts fire until you start it, and the responder may restart it.")
restart = _action("restart")
kill = _action("kill", "The supervisor starts it again.")
pause = _action(
    "pause",
    "A service hangs until you resume it, or the responder restarts it. Another component is"
    " restarted within 15 seconds.",
)
resume = _action("resume")


@click.command(name="open")
@click.argument("page", required=False, default="")
def open_page(page: str) -> None:
    """Open a page of the running stack in your browser.

    PAGE is a part of its title, as in `open grafana`. Without PAGE, all addresses are printed.
    """
    addresses = _running_stack().addresses()
    chosen = {title: url for title, url in addresses.items() if page.lower() in title.lower()}
    if not chosen:
        titles = ", ".join(title.lower() for title in addresses)
        raise AlertdrillError(
            f"no page named {page!r}: known pages are {titles}. Run `alertdrill doctor` to see what"
            " is not installed."
        )
    if not page or len(chosen) > 1:
        output.print(address_table(chosen))
        return
    url = next(iter(chosen.values()))
    click.echo(url)
    click.launch(url)
