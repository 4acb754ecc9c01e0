"""What the native runtime runs: every process, and the addresses for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import control
from .parts import parts
from .process import LOOPBACK, Process, Site
from .services import instances, responder


@dataclass(frozen=True)
class Plan:
    """All processes of a stack, and the addresses that people want."""

    processes: Sequence[Process]
    addresses: Mapping[str, str]

    def process(self, name: str) -> Process | None:
        """Return the process of that name."""
        return next((process for process in self.processes if process.name == name), None)

    def of(self, service: str) -> Sequence[Process]:
        """Return the processes of a service, in order."""
        return [process for process in self.processes if process.service == service]


def make_plan(site: Site) -> Plan:
    """Return what to run with the programs that were found."""
    shown = addresses(site)
    return Plan(
        [*instances(site, shown), responder(site), control.process(site), *parts(site)], shown
    )


def addresses(site: Site) -> dict[str, str]:
    """Return the addresses of everything that runs and that a person can look at."""
    # Every address of the machine includes the loopback, which is one that a link can hold.
    everywhere = site.settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
    public = LOOPBACK if everywhere else site.settings.lb_address
    shown = {
        "Services": f"http://{public}:{site.ports.lb}/",
        "Load balancer": f"{site.url('lb_stats')}/",
        "Prometheus": f"{site.url('prometheus')}/{_start_page(site)}",
        "Alertmanager": f"{site.url('alertmanager')}/",
        "Responder": f"{site.url('responder')}/",
    }
    if "grafana" in site.programs:
        shown["Grafana"] = f"{site.url('grafana')}/"
    if "loki" in site.programs:
        shown["Loki"] = f"{site.url('loki')}/ready"
    return shown


def _start_page(site: Site) -> str:
    """Return the page of Prometheus to begin with; the distribution's has none but ours."""
    return "consoles/index.html" if site.programs["prometheus"].origin == "cache" else ""
