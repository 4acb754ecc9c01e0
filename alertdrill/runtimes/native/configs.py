"""Write the configurations for the programs, and check them before a start."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...config import ROOT
from ...config.services import SERVICES
from ...errors import AlertdrillError
from ...toolchain.cache import DATA_FOLDER
from ...toolchain.find import Program
from .. import config_files
from ..config_files import probe_target, rendered, target, write_atomically, write_json
from ..errors import checker_error
from .components import LB_FILES
from .layout import Layout
from .processes import Plan, Process

# Configuration files below etc/, and the committed file or folder of each.
SOURCES = {
    **config_files.SOURCES,
    "prometheus/scrape.d/native.yml": "prometheus/scrape/native.yml",
}


class ConfigError(AlertdrillError):
    """A configuration file is broken; the text has the checker's error."""


def write_all(layout: Layout, plan: Plan, responder: str, speed: float = 1.0) -> None:
    """Write the committed files and those that only this machine determines."""
    for name in config_files.DROP_IN_FOLDERS:
        remove(layout.etc / name)
        (layout.etc / name).mkdir(parents=True)
    for name in SOURCES:
        install(layout, name, speed)
    for process in plan.processes:
        if process.files:
            _link(process.directory / DATA_FOLDER, process.files)
    for folder in ("prometheus", "alertmanager", "responder"):
        (layout.data / folder).mkdir(parents=True, exist_ok=True)
    layout.targets.mkdir(parents=True, exist_ok=True)
    write_webhook(layout, responder)
    for file, text in lb_files(layout, plan).items():
        write_atomically(file, text)
    write_fixed_targets(layout, plan)
    write_load_target(layout, None)


def lb_files(layout: Layout, plan: Plan) -> Mapping[Path, str]:
    """Return the load balancer's generated files and their text."""
    addresses = {
        service: {process.name: process.address for process in plan.processes_of(service)}
        for service in SERVICES
    }
    return {layout.lb / name: text for name, text in config_files.lb_files(addresses).items()}


def write_webhook(layout: Layout, responder: str) -> None:
    """Write the webhook's URL; Alertmanager reads the file for each notification."""
    write_atomically(layout.etc / config_files.WEBHOOK_URL_FILE, f"{responder}/webhook")


def install(layout: Layout, name: str, speed: float) -> None:
    """Install one of `SOURCES`: a link, or a rendered copy if the speed is not 1."""
    path, source = layout.etc / name, ROOT / SOURCES[name]
    if speed == 1:
        _link(path, source)
        return
    remove(path)
    for file, text in rendered(SOURCES[name], speed).items():
        write_atomically(path / file if source.is_dir() else path, text)


def _link(path: Path, source: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove(path)
    path.symlink_to(source)


def remove(path: Path) -> None:
    """Delete a file, a folder or a link, but never the target of a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_fixed_targets(layout: Layout, plan: Plan) -> None:
    """Write the targets that do not scale: components, the probe, Alertmanager."""
    write_stack_targets(layout, plan.processes)
    alertmanagers = [process.address for process in plan.processes_of("alertmanager")]
    write_json(layout.targets / "alertmanager.json", [{"targets": alertmanagers}])
    blackbox = plan.processes_of("blackbox-exporter")[0].address
    write_json(layout.targets / "probe.json", [probe_target(plan.addresses["Services"], blackbox)])


def write_stack_targets(layout: Layout, listed: Sequence[Process]) -> None:
    """Write the targets of the components among `listed`."""
    stack = [_target(process) for process in listed if process.job == "stack"]
    write_json(layout.targets / "stack.json", stack)


def write_service_targets(layout: Layout, wanted: Sequence[Process]) -> None:
    """Write the targets of the services among `wanted`; Prometheus notices at once."""
    ours = [_target(process) for process in wanted if process.job == "services"]
    write_json(layout.targets / "services.json", ours)


def write_load_target(layout: Layout, address: str | None) -> None:
    """Write the target of Locust's metrics during a load; None for no load."""
    targets = [] if address is None else [target(address, "locust", "locust-1")]
    write_json(layout.targets / "load.json", targets)


def _target(process: Process) -> dict[str, object]:
    return target(process.address, process.service, process.name)


def check(layout: Layout, plan: Plan, programs: Mapping[str, Program]) -> None:
    """Check each configuration with its program's own checker; raise `ConfigError`."""
    prometheus, lb = plan.processes_of("prometheus")[0], plan.processes_of("lb")[0]
    for loki in plan.processes_of("loki"):
        _run(programs["loki"], [*loki.command[1:], "-verify-config"], ("loki/loki.yml", loki))
    for collector in plan.processes_of("collector"):
        validate = ["validate", *collector.command[1:]]
        _run(programs["otelcol"], validate, ("loki/collector.yml", collector))
    alertmanager = layout.etc / "alertmanager" / "alertmanager.yml"
    _run(
        programs["promtool"],
        ["check", "config", "--lint-fatal", str(layout.etc / "prometheus" / "prometheus.yml")],
        ("prometheus/", prometheus),
    )
    _run(
        programs["amtool"], ["check-config", str(alertmanager)], ("alerting/alertmanager.yml", None)
    )
    _run(programs["haproxy"], ["-c", *LB_FILES], ("lb/haproxy.cfg", lb))
    blackbox = ["--config.check", f"--config.file={ROOT / 'prometheus' / 'blackbox.yml'}"]
    _run(programs["blackbox_exporter"], blackbox, ("prometheus/blackbox.yml", None))


def _run(
    program: Program, arguments: Sequence[str], source_and_process: tuple[str, Process | None]
) -> None:
    source, process = source_and_process
    environment = {
        **os.environ,
        **program.environment,
        **(process.environment if process else {}),
    }
    result = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [str(program.path), *arguments],
        env=environment,
        cwd=process.directory if process else ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ConfigError(f"{source} is broken: {checker_error(result.stdout + result.stderr)}")
