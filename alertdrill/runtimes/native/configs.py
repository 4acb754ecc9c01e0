"""Lay out the configurations as the programs read them, and check them before a start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import AlertdrillError
from ...programs import FILES, Program
from ...rehearsal import language, render
from ...settings import ROOT, SERVICES
from .. import backends
from ..complaint import complaint
from .layout import Layout
from .parts import LB_FILES
from .plan import Plan
from .process import Process

# What the programs read, below etc/, and the committed file or folder that it is.
COMMITTED = {
    "prometheus/prometheus.yml": "prometheus/prometheus.yml",
    "prometheus/rules": "prometheus/rules",
    "prometheus/scrape.d/native.yml": "prometheus/scrape/native.yml",
    "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
    # `fake` is the name of Loki's only tenant.
    "loki/rules/fake": "loki/rules",
    "loki/overrides.yml": "loki/overrides.yml",
}
# Folders that have room for more, which a drill puts there while it lasts.
EXTRA = ("prometheus/rules.d", "prometheus/scrape.d")
# Who looks at its files by itself, and would end on a SIGHUP.
LOOKS_ITSELF = ("loki",)

# Where notifications go to, which only the runtime knows.
WEBHOOK = "alertmanager/webhook_url"


class ConfigError(AlertdrillError):
    """A configuration file is broken; the text has the checking program's own words."""


def write(layout: Layout, plan: Plan, responder: str, speed: float = 1.0) -> None:
    """Lay the committed files out; beside them, what only this machine knows."""
    for name in EXTRA:
        clear(layout.etc / name)
        (layout.etc / name).mkdir(parents=True)
    for name in COMMITTED:
        lay(layout, name, speed)
    for process in plan.processes:
        if process.files:
            _link(process.directory / FILES, process.files)
    for folder in ("prometheus", "alertmanager", "responder"):
        (layout.data / folder).mkdir(parents=True, exist_ok=True)
    layout.targets.mkdir(parents=True, exist_ok=True)
    write_webhook(layout, responder)
    for file, text in of_lb(layout, plan).items():
        replace(file, text)
    write_fixed_targets(layout, plan)
    write_load_target(layout, None)


def of_lb(layout: Layout, plan: Plan) -> Mapping[Path, str]:
    """Return the files that the load balancer reads of the services, and their text."""
    addresses = {
        service: {process.name: process.address for process in plan.of(service)}
        for service in SERVICES
    }
    return {layout.lb / name: text for name, text in backends.files(addresses).items()}


def write_webhook(layout: Layout, responder: str) -> None:
    """Write where Alertmanager sends its notifications; it looks each time that it sends one."""
    replace(layout.etc / WEBHOOK, f"{responder}/webhook")


def lay(layout: Layout, name: str, speed: float) -> None:
    """Put one of `COMMITTED` into place: a link, or at another speed than 1 a rendered copy."""
    place, source = layout.etc / name, ROOT / COMMITTED[name]
    scale = language(COMMITTED[name])
    if speed == 1:
        _link(place, source)
    elif source.is_dir():
        clear(place)
        for file in sorted(source.glob("*.yml")):
            replace(place / file.name, render(file.read_text(), speed, scale))
    else:
        replace(place, render(source.read_text(), speed, scale))


def _link(place: Path, source: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    clear(place)
    place.symlink_to(source)


def clear(place: Path) -> None:
    """Take away a file, a folder or a link; never what a link leads to."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def replace(place: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it, and never through a link."""
    place.parent.mkdir(parents=True, exist_ok=True)
    # Not `.yml` at its end, so that no program takes it for a configuration meanwhile.
    fresh = place.with_name(f"{place.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(text)
    fresh.replace(place)


def write_fixed_targets(layout: Layout, plan: Plan) -> None:
    """Write the targets that do not scale: the stack, the probe, where alerts go."""
    write_stack_targets(layout, plan.processes)
    alertmanagers = [process.address for process in plan.of("alertmanager")]
    _write(layout.targets / "alertmanager.json", [{"targets": alertmanagers}])
    probed = {
        "targets": [plan.addresses["Services"]],
        "labels": {
            "service": "lb",
            "instance": "public",
            "__blackbox__": plan.of("blackbox-exporter")[0].address,
        },
    }
    _write(layout.targets / "probe.json", [probed])


def write_stack_targets(layout: Layout, listed: Sequence[Process]) -> None:
    """Write those of `listed` that watch or carry our services."""
    stack = [target(process) for process in listed if process.job == "stack"]
    _write(layout.targets / "stack.json", stack)


def write_service_targets(layout: Layout, wanted: Sequence[Process]) -> None:
    """Write the instances of `wanted` that are ours; Prometheus sees the change at once."""
    ours = [target(process) for process in wanted if process.job == "services"]
    _write(layout.targets / "services.json", ours)


def write_load_target(layout: Layout, address: str | None) -> None:
    """Write where Locust shows its numbers while it makes a load; None where there is none."""
    labels = {"service": "locust", "instance": "locust-1"}
    found = [] if address is None else [{"targets": [address], "labels": labels}]
    _write(layout.targets / "load.json", found)


def target(process: Process) -> dict[str, object]:
    """Return a process as file_sd writes a target."""
    labels = {"service": process.service, "instance": process.name}
    return {"targets": [process.address], "labels": labels}


def _write(file: Path, content: object) -> None:
    replace(file, json.dumps(content, indent=2) + "\n")


def check(layout: Layout, plan: Plan, programs: Mapping[str, Program]) -> None:
    """Let each program's own checker read its configuration; raise `ConfigError`."""
    prometheus, lb = plan.of("prometheus")[0], plan.of("lb")[0]
    for loki in plan.of("loki"):
        _run(programs["loki"], [*loki.command[1:], "-verify-config"], ("loki/loki.yml", loki))
    for collector in plan.of("collector"):
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


def _run(program: Program, arguments: Sequence[str], what: tuple[str, Process | None]) -> None:
    source, process = what
    environment = {
        **os.environ,
        **program.environment,
        **(process.environment if process else {}),
    }
    done = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [str(program.path), *arguments],
        env=environment,
        cwd=process.directory if process else ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigError(f"{source} is broken: {complaint(done.stdout + done.stderr)}")
