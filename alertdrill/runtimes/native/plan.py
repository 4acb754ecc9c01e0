"""What the native runtime runs: every process, and the addresses for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import control
from .components import components
from .process import LOOPBACK, Process, RenderContext
from .services import instances, responder


@dataclass(frozen=True)
class Plan:
    """All processes of a stack, and the addresses that people want."""

    processes: Sequence[Process]
    addresses: Mapping[str, str]

    def process(self, name: str) -> Process | None:
        """Return the process of that name."""
        return next((process for process in self.processes if process.name == name), None)

    def processes_of(self, service: str) -> Sequence[Process]:
        """Return the processes of a service, in order."""
        return [process for process in self.processes if process.service == service]


def make_plan(context: RenderContext) -> Plan:
    """Return what to run with the programs that were found."""
    shown = addresses(context)
    return Plan(
        [
            *instances(context, shown),
            responder(context),
            control.process(context),
            *components(context),
        ],
        shown,
    )


def addresses(context: RenderContext) -> dict[str, str]:
    """Return the addresses of everything that runs and that a person can look at."""
    # Every address of the machine includes the loopback, which is one that a link can hold.
    everywhere = context.settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
    public = LOOPBACK if everywhere else context.settings.lb_address
    shown = {
        "Services": f"http://{public}:{context.ports.lb}/",
        "Load balancer": f"{context.url('lb_stats')}/",
        "Prometheus": f"{context.url('prometheus')}/{_start_page(context)}",
        "Alertmanager": f"{context.url('alertmanager')}/",
        "Responder": f"{context.url('responder')}/",
    }
    if "grafana" in context.programs:
        shown["Grafana"] = f"{context.url('grafana')}/"
    if "loki" in context.programs:
        shown["Loki"] = f"{context.url('loki')}/ready"
    return shown


def _start_page(context: RenderContext) -> str:
    """Return the page of Prometheus to begin with; the distribution's has none but ours."""
    return "consoles/index.html" if context.programs["prometheus"].origin == "cache" else ""
