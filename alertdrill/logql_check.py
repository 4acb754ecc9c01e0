"""Have Loki itself read all LogQL, of rules and runbooks, as part of `alertdrill check`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from .drills import rule_files, runbook_queries
from .errors import AlertdrillError
from .loki_client import LokiClient, LokiError
from .runtimes.base import ProgressCallback
from .runtimes.native import components, configs, readiness
from .runtimes.native.layout import Layout
from .runtimes.native.process_spec import Process, RenderContext
from .settings import ROOT, StackSettings
from .timescale.ephemeral_stack_settings import free_ports
from .toolchain import PROGRAMS, Program, default_cache, resolve_programs

RUNBOOKS = ROOT / "alerting" / "runbooks"
# It serves within a second; a machine that is very busy takes longer.
PATIENCE = 30.0
# It has its rules by then, or refuses them; also on such a machine it takes only a moment more.
MOMENT = 5.0


class LogqlError(AlertdrillError):
    """A query or a rule that Loki does not take."""


def check(settings: StackSettings, on_progress: ProgressCallback) -> None:
    """Start a Loki for a moment and have it read everything; raise `LogqlError`.

    Where there is no Loki, it is said that nothing was checked.
    """
    cache = settings.cache or default_cache(os.environ)
    wanted = [program for program in PROGRAMS if program.name == "loki"]
    programs = resolve_programs(wanted, cache, lambda _: None).programs
    if "loki" not in programs:
        on_progress("SKIPPED: no LogQL was checked, for Loki is not on the PATH.")
        return
    with tempfile.TemporaryDirectory() as folder, _started(settings, programs, folder) as loki:
        for where, query in queries():
            try:
                loki.get("/loki/api/v1/format_query", query=query)
            except LokiError as error:
                said = " ".join(query.split())
                raise LogqlError(f"{where}: `{said}` is no LogQL. {error}") from error
        readiness.wait_until(lambda: _loaded(loki), "Loki to take its rules", MOMENT)


def queries() -> Iterator[tuple[str, str]]:
    """Yield (where it is, query) for each rule below loki/rules and each block of a runbook."""
    for file in sorted(rule_files.LOKI_RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield f"loki/rules/{file.name}", rule["expr"].strip()
    for file in sorted(RUNBOOKS.glob("*.md")):
        for language, query in runbook_queries.queries(file.read_text(encoding="utf-8")):
            if language == "logql":
                yield f"alerting/runbooks/{file.name}", query


def _loaded(loki: LokiClient) -> bool:
    groups = loki.get("/prometheus/api/v1/rules")["data"]["groups"] or ()
    names = [rule["name"] for group in groups for rule in group["rules"]]
    return sorted(names) == sorted(rule_files.alert_names_in(rule_files.LOKI_RULES))


@contextmanager
def _started(
    settings: StackSettings, programs: Mapping[str, Program], folder: str
) -> Iterator[LokiClient]:
    """Have a Loki with the committed files, on ports of its own."""
    layout = Layout(Path(folder))
    layout.make()
    for name in ("loki/rules/fake", "loki/overrides.yml"):
        configs.install(layout, name, 1.0)
    site = RenderContext(replace(settings, ports=free_ports()), layout, programs, token="")
    process = components.loki(site)
    log = layout.logs / "loki.log"
    with log.open("wb") as file, _process(process, file.fileno()) as running:
        try:
            readiness.wait_until(lambda: _serves(process, running), "Loki to start", PATIENCE)
            yield LokiClient(site.url("loki"))
        except (LokiError, readiness.NotReadyError) as error:
            raise LogqlError(f"loki/rules: {_refusal(log) or error}") from error


def _serves(process: Process, running: subprocess.Popen[bytes]) -> bool:
    if running.poll() is not None:
        raise LokiError("Loki ended by itself, and gave no reason.")
    return readiness.is_ready(process)


def _refusal(log: Path) -> str:
    """Return the last thing that it called an error, nothing if there is none."""
    for line in reversed(log.read_text().splitlines()):
        with contextlib.suppress(ValueError):  # not all of its lines are JSON, nor all whole
            found = json.loads(line)
            if found["level"] == "error":
                return str(found.get("err") or found["msg"])
    return ""


@contextmanager
def _process(process: Process, output: int) -> Iterator[subprocess.Popen[bytes]]:
    command: Sequence[str] = process.command
    running = subprocess.Popen(  # noqa: S603 - a program that we located ourselves
        command,
        env={**os.environ, **process.environment},
        cwd=process.directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    try:
        yield running
    finally:
        running.kill()  # it keeps nothing that is worth a graceful end
        running.wait()
