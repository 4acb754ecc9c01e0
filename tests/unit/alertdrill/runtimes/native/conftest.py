"""A stack of paths only: no file exists, and no process runs."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import make_plan
from alertdrill.runtimes.native.processes import Plan, Process, RenderContext
from alertdrill.toolchain.find import Program
from alertdrill.toolchain.programs import PROGRAMS

OPTIONAL = {wanted.name for wanted in PROGRAMS if wanted.package is None}


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
def render_context_with(tmp_path: Path, layout: Layout) -> Callable[..., RenderContext]:
    """Return a function that creates a context with optional programs and settings."""

    def make(*optional: str, **settings: Any) -> RenderContext:
        names = [
            wanted.name for wanted in PROGRAMS if wanted.package or wanted.name in set(optional)
        ]
        programs = {
            name: Program(name, tmp_path / "bin" / name, (2, 6, 12), {}, "path") for name in names
        }
        return RenderContext(StackSettings(tmp_path, **settings), layout, programs, "the-token")

    return make


@pytest.fixture
def render_context(render_context_with: Callable[..., RenderContext]) -> RenderContext:
    """Return a context with every program installed."""
    return render_context_with(*OPTIONAL)


@pytest.fixture
def plan(render_context: RenderContext) -> Plan:
    return make_plan(render_context)


@pytest.fixture
def web(plan: Plan) -> Process:
    return plan.processes_of("web")[0]
