"""Bring a native stack up and down, and leave nothing half done."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...grafana_token import TokenError
from ...programs import Program
from ...settings import StackSettings
from .. import series
from ..base import Notify
from . import configs, control, ports, processes, readiness, supervisor
from .hands import Hands
from .layout import Layout
from .plan import Plan, make_plan
from .process import LOOPBACK, Process, Site, url
from .services import DRAINING

# How long everything may take to leave by itself: the requests in flight have 10 s.
LEAVING = 15.0
# `down` waits so long for another that is changing the stack: a drain takes 15 s.
PATIENCE = 20.0
# They start again what is not there, so they leave before anything is stopped.
HEALERS = ("responder-1", "control-1")
HEALERS_LEAVE = 3.0  # seconds
# What leaves at once when it is told twice; the others do so by themselves.
HURRIED = (*DRAINING, "control")


def check(hands: Hands, notify: Notify) -> None:
    """Check every configuration in a folder of its own; raise `ConfigError`."""
    located = hands.locate(notify)
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        layout.make()
        plan = make_plan(Site(hands.settings, layout, located.programs, token=""))
        _write(layout, plan, hands.settings, hands.scale.wanted(plan))
        configs.check(layout, plan, located.programs)


def up(hands: Hands, notify: Notify) -> Sequence[str]:
    """Start what does not run; return one sentence for each optional part not here."""
    located = hands.locate(notify)
    with hands.locked():
        plan = hands.plan(located)
        rendered = supervisor.render(plan.processes, hands.layout)
        if hands.supervisor.alive() and _as_it_was(hands, plan, rendered):
            _start(hands, hands.scale.wanted(plan), notify)
        else:
            _end(hands, notify)
            try:
                _begin(hands, plan, located.programs, notify)
            except BaseException:
                _end(hands, notify)  # also on Ctrl-C: what is half up is of no use
                raise
        if "grafana" in located.programs:
            _give_token(hands, notify)
    return located.missing


def down(hands: Hands, notify: Notify) -> None:
    """End everything that `up` started, also after a crash."""
    if hands.layout.home.exists():
        with hands.locked(PATIENCE):
            _end(hands, notify)


def _as_it_was(hands: Hands, plan: Plan, rendered: str) -> bool:
    now = {
        hands.layout.supervisor_config: rendered,
        hands.layout.stack: control.stack(hands.settings),
        **configs.of_lb(hands.layout, plan),
    }
    return all(file.exists() and file.read_text() == text for file, text in now.items())


def _begin(hands: Hands, plan: Plan, programs: Mapping[str, Program], notify: Notify) -> None:
    ports.check(_wanted_ports(plan, hands.settings))
    hands.scale.reset()
    if hands.settings.rehearsal:
        shutil.rmtree(hands.layout.data)  # nothing that an earlier one left may be repeated
        hands.layout.make()
    wanted = hands.scale.wanted(plan)
    _write(hands.layout, plan, hands.settings, wanted)
    configs.check(hands.layout, plan, programs)
    hands.make_secrets()
    configs.replace(hands.layout.stack, control.stack(hands.settings))
    hands.layout.lb_state.unlink(missing_ok=True)
    hands.layout.supervisor_config.write_text(supervisor.render(plan.processes, hands.layout))
    if hands.settings.rehearsal:
        series.prepare(hands.store(programs))
    supervisor.start(hands.layout)
    _start(hands, wanted, notify)
    for process in plan.processes:
        if process not in wanted:
            hands.lb.set(process.service, process.name, "maint")


def _give_token(hands: Hands, notify: Notify) -> None:
    try:
        hands.make_grafana_token()
    except TokenError as error:  # a stack without annotations is better than none
        notify(f"No annotations: {error}")


def _write(layout: Layout, plan: Plan, settings: StackSettings, wanted: Sequence[Process]) -> None:
    configs.write(layout, plan, url(settings.ports.responder), settings.speed)
    configs.write_service_targets(layout, wanted)


def _wanted_ports(plan: Plan, settings: StackSettings) -> dict[tuple[str, int], str]:
    """Return every address and port with the variable that sets the port."""
    address = {settings.ports.lb: settings.lb_address}
    variables = {port: f"{name.upper()}_PORT" for name, port in vars(settings.ports).items()}
    return {
        (address.get(port, LOOPBACK), port): variables.get(port, "INSTANCES_PORT")
        for process in plan.processes
        for port in (process.port, *process.more_ports)
    }


def _start(hands: Hands, wanted: Sequence[Process], notify: Notify) -> None:
    known = hands.supervisor.processes()
    for process in wanted:
        if known[process.name]["statename"] not in ("RUNNING", "STARTING"):
            hands.supervisor.start(process.name)
    readiness.wait(
        wanted, hands.word, hands.layout, lambda process: notify(f"{process.name} serves")
    )
    for process in wanted:
        if process.scales:
            readiness.until(
                lambda process=process: hands.lb.is_up(process.service, process.name),  # type: ignore[misc]
                f"the load balancer to see {process.name}",
            )


def _end(hands: Hands, notify: Notify) -> None:
    """Healing ends first, then traffic, so that the services have nothing left to drain."""
    if hands.supervisor.alive():
        notify("stopping")
        known = hands.supervisor.processes()
        healers = [name for name in HEALERS if name in known]
        _hurry(hands, healers)
        # What the control API was at is over, and the responder's journal survives it.
        hands.supervisor.stop(*healers, grace=HEALERS_LEAVE)
        hands.supervisor.stop("lb-1")
        _hurry(hands, [name for name in known if name not in healers])
        hands.supervisor.shutdown()
        deadline = time.monotonic() + LEAVING
        while processes.of_stack(hands.mark) and time.monotonic() < deadline:
            time.sleep(readiness.STEP)
    left = processes.of_stack(hands.mark)
    if left:
        notify(f"ending {len(left)} processes that were left over")
        processes.end(left)
    for socket in (hands.layout.supervisor_socket, hands.layout.lb_socket):
        socket.unlink(missing_ok=True)
    shutil.rmtree(hands.layout.scratch, ignore_errors=True)  # mostly it was never made


def _hurry(hands: Hands, names: Sequence[str]) -> None:
    """Ask processes to leave, and those that would take their time to be quick."""
    hands.supervisor.begin_stop(*names)
    known = hands.supervisor.processes()
    for info in (known[name] for name in names):
        if info["pid"] and info["name"].startswith(HURRIED):
            processes.signal_instance(info["pid"], signal.SIGCONT)
            processes.signal_instance(info["pid"], signal.SIGQUIT)
