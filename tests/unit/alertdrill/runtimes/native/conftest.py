"""A stack of paths only, and a stack of files whose processes do not run."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import base, port_check, service_code
from alertdrill.runtimes.native import configs, stack, tagged_processes
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Plan, Process
from alertdrill.runtimes.native.runtime import NativeRuntime
from alertdrill.toolchain.find import Program, ResolvedPrograms
from alertdrill.toolchain.programs import PROGRAMS
from tests.unit.alertdrill.runtimes.native.fakes import FakeLb, FakeSupervisor

OPTIONAL = [wanted.name for wanted in PROGRAMS if wanted.package is None]
MISSING = ("loki is not installed.",)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the sockets of a long home path in a temporary folder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        monkeypatch.setattr("alertdrill.runtimes.native.layout.SHORT", Path(name))
        yield Path(name)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "native")
    layout.make()
    return layout


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, Program]:
    """Return every program, none of which exists."""
    return {
        wanted.name: Program(wanted.name, tmp_path / "bin" / wanted.name, (2, 6, 12), {}, "path")
        for wanted in PROGRAMS
    }


@pytest.fixture
def plan_with(tmp_path: Path, layout: Layout, programs: dict[str, Program]) -> Callable[..., Plan]:
    """Return a function that makes a plan with these optional programs and settings."""

    def make(*optional: str, **settings: Any) -> Plan:
        absent = set(OPTIONAL) - set(optional)
        installed = {name: program for name, program in programs.items() if name not in absent}
        return Plan(StackSettings(tmp_path, **settings), layout, installed, "the-token")

    return make


@pytest.fixture
def plan(plan_with: Callable[..., Plan]) -> Plan:
    """Return a plan with every program installed."""
    return plan_with(*OPTIONAL)


@pytest.fixture
def web(plan: Plan) -> Process:
    return plan.of("web-1")[0]


@pytest.fixture
def messages() -> list[str]:
    """Return what a runtime does, in order."""
    return []


@pytest.fixture
def runtime(
    tmp_path: Path,
    plan: Plan,
    programs: dict[str, Program],
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Return the runtime of a stack whose processes do not run, but are ready."""
    names = {process.ready: process.name for process in plan.processes}
    runtime: Any = NativeRuntime(StackSettings(tmp_path))
    runtime.supervisor = FakeSupervisor(runtime.layout, messages)
    runtime.lb = FakeLb(runtime.layout, messages)
    monkeypatch.setattr(stack, "resolve_programs", lambda *_: ResolvedPrograms(programs, MISSING))
    monkeypatch.setattr(configs, "check", lambda *_: messages.append("check"))
    monkeypatch.setattr(port_check, "check", lambda _: messages.append("ports"))
    monkeypatch.setattr(tagged_processes, "find_processes", lambda _: [])
    monkeypatch.setattr(base, "POLL_INTERVAL_S", 0)

    def probe(url: str, timeout: float) -> bool:
        messages.append(f"wait {names[url]}")
        return True

    def send(pid: int, number: signal.Signals) -> None:
        pids = {runtime.supervisor.pid_of(name): name for name in runtime.supervisor.states}
        messages.append(f"{number.name} {pids[pid]}")

    monkeypatch.setattr(http, "is_ready", probe)
    # The fake's processes have no time of a start.
    monkeypatch.setattr(service_code, "last_change", lambda _: 0.0)
    monkeypatch.setattr(tagged_processes, "signal_instance", send)
    return runtime


@pytest.fixture
def running(runtime: Any, messages: list[str]) -> Any:
    """Return the runtime of a stack that is up."""
    runtime.up(lambda _: None)
    messages.clear()
    return runtime
