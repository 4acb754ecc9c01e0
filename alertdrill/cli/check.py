"""`alertdrill check`: each configuration is checked by the program that reads it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import yaml

from ..clients import http
from ..clients.http import UnreachableError
from ..clients.loki import Loki
from ..config import ROOT
from ..config import settings as stack_settings
from ..config.derived import require_current_files
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..drills.expression import LOKI_RULES, alert_names, runbook_queries
from ..errors import AlertdrillError
from ..logs.parse import parse_object
from ..runtimes.base import ProgressCallback, wait_until
from ..runtimes.errors import NotReadyError
from ..runtimes.native import configs
from ..runtimes.native.layout import Layout
from ..runtimes.native.plan import Plan
from ..runtimes.select import has_compose, select_stack_runtime
from ..timescale.ephemeral_stack_settings import free_ports
from ..toolchain.cache import default_cache
from ..toolchain.find import Program, find_local
from ..toolchain.programs import PROGRAMS
from .console import output, timed
from .stack import update_derived_files

RUNBOOKS = ROOT / "alerting" / "runbooks"
# Loki is ready within a second; a busy machine takes longer.
START_TIMEOUT_S = 30.0
# A ready Loki loads its rules in a moment, also on a busy machine.
RULES_TIMEOUT_S = 5.0


@click.command()
@click.option("--fix", is_flag=True, help="Write the files that follow from apps/services.yml.")
def check(fix: bool) -> None:
    """Check every configuration file.

    Each file is checked by the program that reads it. The stack itself is not started. Without
    --fix, the command fails if a file that follows from apps/services.yml is out of date.
    """
    current = stack_settings.current()
    with timed("checking") as on_progress:
        if fix:
            update_derived_files(on_progress)
        require_current_files(SERVICES)
        # All runtimes use the same configurations; the native runtime checks them.
        select_stack_runtime(replace(current, runtime="native"), on_progress).check(on_progress)
        check_logql(current, on_progress)
        if has_compose():
            select_stack_runtime(replace(current, runtime="compose"), on_progress).check(
                on_progress
            )
        else:
            on_progress(
                "SKIPPED: docker-compose.yml was not checked: Docker Compose is not installed."
            )
    output.print("Every configuration is valid.")


def check_logql(settings: StackSettings, on_progress: ProgressCallback) -> None:
    """Start a temporary Loki and let it parse all queries; raise `AlertdrillError`.

    Without Loki on the PATH, report that the check is skipped.
    """
    specs = [program for program in PROGRAMS if program.name == "loki"]
    programs = find_local(specs, settings.cache or default_cache())
    if not programs:
        on_progress("SKIPPED: LogQL was not checked: Loki is not on the PATH.")
        return
    with tempfile.TemporaryDirectory() as home, _loki(settings, programs, Path(home)) as loki:
        for file, query in queries():
            try:
                loki.get("/loki/api/v1/format_query", query=query)
            except UnreachableError as error:
                text = " ".join(query.split())
                raise AlertdrillError(f"{file}: `{text}` is not valid LogQL. {error}") from error

        def rules_are_loaded() -> bool:
            groups = loki.get("/prometheus/api/v1/rules")["data"]["groups"] or ()
            names = [rule["name"] for group in groups for rule in group["rules"]]
            return sorted(names) == sorted(alert_names(LOKI_RULES))

        wait_until(rules_are_loaded, "Loki to load its rules", RULES_TIMEOUT_S)


def queries() -> Iterator[tuple[str, str]]:
    """Yield (file, query) for each rule below loki/rules and each query in a runbook."""
    for file in sorted(LOKI_RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield f"loki/rules/{file.name}", rule["expr"].strip()
    for file in sorted(RUNBOOKS.glob("*.md")):
        for language, query in runbook_queries(file.read_text(encoding="utf-8")):
            if language == "logql":
                yield f"alerting/runbooks/{file.name}", query


@contextmanager
def _loki(settings: StackSettings, programs: Mapping[str, Program], home: Path) -> Iterator[Loki]:
    """Run Loki with the committed files on free ports during the block."""
    layout = Layout(home)
    layout.make()
    for name in ("loki/rules/fake", "loki/overrides.yml"):
        configs.install(layout, name, 1.0)
    process = Plan(replace(settings, ports=free_ports()), layout, programs).component("loki")
    log = layout.logs / "loki.log"
    with log.open("wb") as output:
        running = subprocess.Popen(  # noqa: S603 - a program that we located
            process.command,
            env={**os.environ, **process.environment},
            cwd=process.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def is_ready() -> bool:
        if running.poll() is not None:
            raise UnreachableError("Loki exited without an error message.")
        return http.is_ready(process.ready, timeout=1.0)

    try:
        wait_until(is_ready, "Loki to start", START_TIMEOUT_S)
        yield Loki(f"http://{process.address}")
    except (UnreachableError, NotReadyError) as error:
        records = [parse_object(line) or {} for line in log.read_text().splitlines()]
        errors = [
            record.get("err") or record["msg"]
            for record in records
            if record.get("level") == "error"
        ]
        raise AlertdrillError(f"loki/rules: {errors[-1] if errors else error}") from error
    finally:
        running.kill()  # it has no data worth a graceful stop
        running.wait()
