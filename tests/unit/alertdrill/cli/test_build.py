from pathlib import Path

import pytest
from click.testing import CliRunner

from alertdrill.cli import app, build
from alertdrill.config.settings import StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.toolchain import collector
from alertdrill.toolchain.find import Program, ResolvedPrograms


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("alertdrill.config.settings.current", lambda: StackSettings(tmp_path))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *resolved: Program) -> None:
    programs = ResolvedPrograms({program.name: program for program in resolved}, ())
    monkeypatch.setattr(build, "resolve_programs", lambda *_: programs)


def test_collector_on_the_path_needs_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, Program("otelcol", Path("/bin/otelcol"), (0, 148), {}, "path"))
    monkeypatch.delattr(collector, "build_collector")
    result = CliRunner().invoke(app.main, ["build-collector"])
    assert (result.exit_code, result.output) == (
        0,
        "/bin/otelcol is on the PATH: no build needed.\n",
    )


def test_built_collector_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Its manifest may have changed.
    resolve_to(monkeypatch, Program("otelcol", tmp_path / "old", (0, 148), {}, "cache"))
    monkeypatch.setattr(collector, "build_collector", lambda *_: tmp_path / "new")
    result = CliRunner().invoke(app.main, ["build-collector"])
    assert f"{tmp_path}/new is the collector" in result.output


def test_failed_build_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Path:
        raise AlertdrillError("There is no Go.")

    resolve_to(monkeypatch)
    monkeypatch.setattr(collector, "build_collector", fail)
    result = CliRunner().invoke(app.main, ["build-collector"])
    assert result.exit_code == 1
    assert "✗ There is no Go." in result.output
