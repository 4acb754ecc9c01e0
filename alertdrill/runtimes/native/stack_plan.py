"""The processes of the native runtime, and the URLs for users. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import control
from .components import components
from .process_spec import LOOPBACK, Process, RenderContext
from .services import instances, responder


@dataclass(frozen=True)
class Plan:
    """All processes of a stack, and the URLs for users."""

    processes: Sequence[Process]
    addresses: Mapping[str, str]

    def process(self, name: str) -> Process | None:
        """Return the process with this name; None if there is none."""
        return next((process for process in self.processes if process.name == name), None)

    def processes_of(self, service: str) -> Sequence[Process]:
        """Return the processes of a service, in order."""
        return [process for process in self.processes if process.service == service]


def make_plan(context: RenderContext) -> Plan:
    """Return the processes for the installed programs."""
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
    """Return the URLs of everything that runs and has a page."""
    # A wildcard address includes the loopback, which a link can use.
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
    """Return the start page of Prometheus; a distribution's package has only our console."""
    return "consoles/index.html" if context.programs["prometheus"].origin == "cache" else ""
