"""Write the configurations for the programs, and check them before a start."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...config import ROOT, derived
from ...config.components import SUPERVISOR
from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ...toolchain.cache import DATA_FOLDER
from ...toolchain.find import Program
from .. import config_files
from ..alertmanager_login import write_login
from ..base import SUPERVISOR_METRICS
from ..config_files import probe_target, rendered, target, write_atomically, write_json
from ..errors import checker_error
from . import supervisor
from .layout import Layout
from .plan import Plan, Process, stack_file

# Configuration files below etc/, and the committed file or folder of each.
SOURCES = {
    **config_files.SOURCES,
    "prometheus/scrape.d/native.yml": "prometheus/scrape/native.yml",
}
RULES = SOURCES["prometheus/rules"]
# What `up` installs again when it has changed: the files of each component below etc/, and the
# folder or files of the repository that it reads by itself.
LIVE: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "prometheus": (["prometheus/rules"], []),
    "alertmanager": (["alertmanager/alertmanager.yml"], []),
    "responder": ([], ["alerting/policy.yml", "alerting/runbooks"]),
}
# The checker of each component's configuration, the file that is broken if it fails, and its
# arguments. A program that checks its own configuration gets those of its start besides.
CHECKS: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "loki": ("loki", "loki/loki.yml", ["-verify-config"]),
    "collector": ("otelcol", "loki/collector.yml", ["validate"]),
    "prometheus": (
        "promtool",
        "prometheus/",
        ["check", "config", "--lint-fatal", "prometheus.yml"],
    ),
    "alertmanager": ("amtool", "alerting/alertmanager.yml", ["check-config", "alertmanager.yml"]),
    "lb": ("haproxy", "lb/haproxy.cfg", ["-c"]),
    "blackbox-exporter": ("blackbox_exporter", "prometheus/blackbox.yml", ["--config.check"]),
}


class ConfigError(AlertdrillError):
    """A configuration file is broken; the text has the checker's error."""


def write_all(
    layout: Layout, plan: Plan, settings: StackSettings, desired: Sequence[Process]
) -> None:
    """Write the committed files and those that only this machine determines."""
    for name in config_files.DROP_IN_FOLDERS:
        _remove(layout.etc / name)
        (layout.etc / name).mkdir(parents=True)
    for name in SOURCES:
        install(layout, name, settings.speed)
    for process in plan.processes:
        if process.files:
            _link(process.directory / DATA_FOLDER, process.files)
    for folder in ("prometheus", "alertmanager", "responder"):
        (layout.data / folder).mkdir(parents=True, exist_ok=True)
    write_webhook(layout, plan)
    write_login(layout.alertmanager_login, layout.etc, mode=0o600)
    for file, text in generated(layout, plan, settings).items():
        write_atomically(file, text)
    write_targets(layout, "stack", plan.processes)
    write_targets(layout, "services", desired)
    write_load_target(layout, None)
    alertmanagers = [process.address for process in plan.of("alertmanager")]
    write_json(layout.targets / "alertmanager.json", [{"targets": alertmanagers}])
    blackbox = plan.of("blackbox-exporter")[0].address
    write_json(layout.targets / "probe.json", [probe_target(plan.addresses["Services"], blackbox)])


def generated(layout: Layout, plan: Plan, settings: StackSettings) -> Mapping[Path, str]:
    """Return the files, with their text, whose change needs a restart of the stack."""
    addresses = {
        service: {process.name: process.address for process in processes}
        for service in SERVICES
        if (processes := plan.of(service))
    }
    lb = {layout.lb / name: text for name, text in config_files.lb_files(addresses).items()}
    return {
        layout.supervisor_config: supervisor.render(plan.processes, layout),
        layout.stack: stack_file(settings),
        **lb,
    }


def changed_components(layout: Layout) -> Sequence[str]:
    """Return the components of LIVE that run with older files than the present ones."""
    try:
        installed = json.loads(layout.digests.read_text())
    except (OSError, ValueError):  # none yet, or cut off by a crash
        installed = {}
    return [name for name, digest in _digests().items() if installed.get(name) != digest]


def install_changes(layout: Layout, components: Sequence[str], speed: float) -> None:
    """Install the files of components of LIVE, which read them at SIGHUP."""
    for component in components:
        for name in LIVE[component][0]:
            install(layout, name, speed)


def write_digests(layout: Layout) -> None:
    """Write what the components of LIVE have read."""
    write_json(layout.digests, _digests())


def _digests() -> Mapping[str, str]:
    return {
        component: _digest([*(SOURCES[name] for name in installed), *own])
        for component, (installed, own) in LIVE.items()
    }


def _digest(paths: Sequence[str]) -> str:
    files = [file for path in paths for file in sorted(_files(ROOT / path))]
    texts = [f"{file.name}\0".encode() + file.read_bytes() for file in files]
    if RULES in paths:
        texts.append(derived.rules(SERVICES).encode())
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _files(path: Path) -> Sequence[Path]:
    return [*path.glob("*.*")] if path.is_dir() else [path]


def write_webhook(layout: Layout, plan: Plan) -> None:
    """Write the webhook's URL; Alertmanager reads the file for each notification."""
    responder = plan.of("responder")[0].address
    write_atomically(layout.etc / config_files.WEBHOOK_URL_FILE, f"http://{responder}/webhook")


def install(layout: Layout, name: str, speed: float) -> None:
    """Install one of `SOURCES`: a link, or a rendered copy if the speed is not 1."""
    path, source = layout.etc / name, ROOT / SOURCES[name]
    if speed == 1 and not config_files.has_own_text(SOURCES[name]):
        _link(path, source)
        return
    _remove(path)
    for file, text in rendered(SOURCES[name], speed).items():
        write_atomically(path / file if source.is_dir() else path, text)


def _link(path: Path, source: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(path)
    path.symlink_to(source)


def _remove(path: Path) -> None:
    """Delete a file, a folder or a link, but never the target of a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_targets(layout: Layout, job: str, processes: Sequence[Process]) -> None:
    """Write the targets of a scrape job among these processes; Prometheus notices at once.

    supervisord is scraped through the control API.
    """
    targets = [
        target(process.ops_address or process.address, process.service, process.name)
        for process in processes
        if process.job == job
    ]
    for process in processes:
        if (process.service, job) == ("control", "stack"):
            path = {"__metrics_path__": SUPERVISOR_METRICS}
            targets.append(target(process.ops_address, SUPERVISOR, f"{SUPERVISOR}-1", **path))
    write_json(layout.targets / f"{job}.json", targets)


def write_load_target(layout: Layout, address: str | None) -> None:
    """Write the target of Locust's metrics during a load; None for no load."""
    targets = [] if address is None else [target(address, "locust", "locust-1")]
    write_json(layout.targets / "load.json", targets)


def check(plan: Plan, programs: Mapping[str, Program]) -> None:
    """Check each configuration with its program's own checker; raise `ConfigError`."""
    for component, (checker, source, arguments) in CHECKS.items():
        for process in plan.of(component):
            program = programs[checker]
            path, command = str(program.path), process.command
            own = command[command.index(path) + 1 :] if path in command else []
            result = subprocess.run(  # noqa: S603 - a program that we located ourselves
                [path, *arguments, *own],
                env={**os.environ, **program.environment, **process.environment},
                cwd=process.directory,
                capture_output=True,
                text=True,
                check=False,
            )
            if result.returncode != 0:
                error = checker_error(result.stdout + result.stderr)
                raise ConfigError(f"{source} is broken: {error}")
