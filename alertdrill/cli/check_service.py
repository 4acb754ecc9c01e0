"""`alertdrill check-service`: does a service keep the contract?"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from ..config import settings
from ..config.service import Service
from ..load.profile import load_profiles
from ..runtimes.base import ProgressCallback, require_service
from ..runtimes.errors import UnknownTargetError
from ..runtimes.native import environments
from ..runtimes.native.plan import Process
from ..runtimes.native.stack import NativeStack
from ..service_check.checks import CheckResult, ServiceCheck
from .console import note, output, table


@click.command(name="check-service")
@click.argument("service")
@click.option(
    "--path", help="The path to request. Default: the first of its load, or of its entry."
)
@click.option(
    "--requests", "count", type=click.IntRange(1, 100_000), default=200, show_default=True
)
def check_service(service: str, path: str | None, count: int) -> None:
    """Check a service against the contract, and print what to fix.

    It starts instances of its own beside the stack, with one worker and with two, with empty
    volumes and new secrets. Exit with 1 if a check fails.
    """
    declared = require_service(service)
    if declared.image:
        raise UnknownTargetError(f"{service} has an image: only code can be checked.")
    results = []
    with _own_process(declared, note) as (process, folder):
        for result in ServiceCheck(declared, process, folder, path or _path(declared), count).run():
            results.append(result)
            note(f"{result.name}: {'passed' if result.passed else 'failed'}")
    output.print(table(("", "Check", "Result"), map(_row, results)))
    passed = sum(result.passed for result in results)
    output.print(f"{service} passes {passed} of {len(results)} checks.")
    sys.exit(0 if passed == len(results) else 1)


@contextmanager
def _own_process(service: Service, on_progress: ProgressCallback) -> Iterator[tuple[Process, Path]]:
    """Yield an instance to start and a folder for its logs; its files are in no stack."""
    with tempfile.TemporaryDirectory(prefix="alertdrill-check-") as folder:
        stack = NativeStack(replace(settings.current(for_start=True), home=Path(folder)))
        stack.provide_files(service)
        environments.prepare(service, on_progress)
        stack.run_release(service.name, on_progress)
        yield stack.plan().of(service.name)[0], Path(folder)


def _path(service: Service) -> str:
    """Return the first path that a load of the service requests, or else its first public one."""
    loads = [load for load in load_profiles().values() if load.service == service.name]
    requested = [item.path for load in loads for item in load.requests if item.method == "GET"]
    declared = ["/"] if service.strip_prefix else [*service.public, *service.internal, "/"]
    return [*requested, *declared][0]


def _row(result: CheckResult) -> tuple[Text, str, str]:
    sign = Text("✓", "green") if result.passed else Text("✗", "bold red")
    return sign, result.name, result.detail
