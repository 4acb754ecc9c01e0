"""Apply a change of apps/services.yml to the load balancer and Prometheus while they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...config import ROOT
from ..base import ProgressCallback
from ..config_files import BACKENDS_FILE, FRONTENDS
from ..engine import Container
from ..errors import EngineError
from .init_config import ETC, SOURCES
from .project import ComposeProject

# The files that init-config writes for each component, and the signal at which it reads them: a new
# worker of HAProxy takes over the connections, and the old one finishes its requests.
SIGNALS = {"lb": "USR2", "prometheus": "HUP", "alertmanager": "HUP"}
# Saves the addresses and the states of the load balancer's servers, so that its next worker waits
# for no name server and no check. Its image has Perl, and no other client for the socket.
SAVE_STATE = """
use Socket;
my ($lb, $file);
socket($lb, PF_UNIX, SOCK_STREAM, 0) && connect($lb, sockaddr_un($ENV{LB_SOCKET})) or die $!;
syswrite($lb, "show servers state\\n");
open($file, ">", $ENV{LB_STATE}) or die $!;
print {$file} <$lb>;
"""
# The texts of the files of a component that runs.
Texts = Mapping[str, Sequence[str | None]]


def configurations(project: ComposeProject) -> Texts:
    """Return the configuration that each running component has read."""
    return {
        container.service: [
            project.engine.read(container.name, str(ETC / file))
            for file in _files(container.service)
        ]
        for container in _reloaded(project)
    }


def reload(project: ComposeProject, before: Texts, on_progress: ProgressCallback) -> None:
    """Let the components whose configuration has changed since then read it."""
    now = configurations(project)
    for container in _reloaded(project):
        service = container.service
        if service in before and now[service] != before[service]:
            on_progress(f"reloading {service} …")
            if service == "lb":
                project.docker("exec", container.name, "perl", "-e", SAVE_STATE)
            project.docker("kill", "--signal", SIGNALS[service], container.name)


def require_same_ports(
    project: ComposeProject, model: Mapping[str, Any], changed: Sequence[str]
) -> None:
    """Raise `EngineError` if a service would listen on another port than its instances do."""
    for container in project.engine.running():
        if container.service in changed:
            running = project.engine.inspect(container.name)["Config"].get("Env") or []
            port = model["services"][container.service]["environment"]["PORT"]
            if f"PORT={port}" not in running:
                raise EngineError(
                    f"{container.service} has another port now, {port}: run `make down` first."
                )


def _reloaded(project: ComposeProject) -> Sequence[Container]:
    return [item for item in project.engine.running() if item.service in SIGNALS]


def _files(component: str) -> Sequence[str]:
    """Return the files below ETC whose change a component reads at its signal."""
    if component == "lb":
        return [f"lb/{BACKENDS_FILE}", *(f"lb/{name}.map" for name in FRONTENDS)]
    if component == "alertmanager":
        return ["alertmanager/alertmanager.yml"]
    rules = sorted((ROOT / SOURCES["prometheus/rules"]).glob("*.yml"))
    return ["prometheus/scrape.d/compose.yml", *(f"prometheus/rules/{rule.name}" for rule in rules)]
