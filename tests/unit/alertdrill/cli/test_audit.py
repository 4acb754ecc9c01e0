import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.audit.compare import CountSource
from alertdrill.audit.report import Report
from alertdrill.audit.run import AuditOptions
from alertdrill.cli import app, audit
from alertdrill.drills.session import Options
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.audit.conftest import a_report

LOST = CountSource("files: web", 3, 2, missing=["run-1"])


class Stage:
    """A run that ends as `report` says, on a stack that is never built."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.report = a_report()
        self.options: Options | None = None
        self.wanted: AuditOptions | None = None
        self.error: BaseException | None = None
        self.settings = StackSettings(home)
        monkeypatch.setattr("alertdrill.settings.current", lambda: self.settings)
        monkeypatch.setattr(audit, "provision", self._provision)
        monkeypatch.setattr(audit, "run_audit", self._run)

    @contextmanager
    def _provision(self, _: object, options: Options, __: object) -> Iterator[Any]:
        self.options = options
        yield SimpleNamespace(record=SimpleNamespace(began=1_700_000_000.0))

    def _run(self, _: object, wanted: AuditOptions, __: object) -> Report:
        self.wanted = wanted
        if self.error:
            raise self.error
        return self.report

    def audit(self, *arguments: str) -> Result:
        return CliRunner().invoke(app.main, ["audit", *arguments])

    def file(self, name: str) -> str:
        [found] = self.home.glob(f"audit/*/{name}")
        return found.read_text()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_exact_run_is_a_success(stage: Stage) -> None:
    result = stage.audit()
    assert result.exit_code == 0
    assert "every source counted each of them once" in result.stdout
    assert stage.wanted == AuditOptions(20_000, 100.0, None)
    assert stage.options == Options(speed=1, current_stack=False, fake_loki=True, healing=False)


def test_difference_is_named_and_fails(stage: Stage) -> None:
    stage.report = a_report(LOST)
    result = stage.audit("--requests", "1000", "--rate", "50", "--rounds", "0", "--current-stack")
    assert result.exit_code == 1
    assert "files: web misses run-1" in result.stdout
    assert stage.wanted == AuditOptions(1000, 50.0, 0)
    assert stage.options == Options(speed=1, current_stack=True)


def test_report_is_written_and_printed(stage: Stage) -> None:
    stage.report = a_report(LOST)
    printed = stage.audit("--json").stdout
    assert json.loads(printed) == json.loads(stage.file("report.json"))
    assert "files: web misses run-1" in stage.file("junit.xml")


@pytest.mark.parametrize(
    "bad", [["--requests", "99"], ["--rate", "0"], ["--rounds", "-1"], ["--rate", "nan"], ["x"]]
)
def test_bad_option_starts_nothing(stage: Stage, bad: list[str]) -> None:
    assert stage.audit(*bad).exit_code == 2
    assert stage.options is None


def test_interruption_compares_nothing(stage: Stage) -> None:
    stage.error = KeyboardInterrupt()
    result = stage.audit()
    assert result.exit_code == 130
    assert "Interrupted: no counts were compared." in result.stderr


def test_containers_can_not_scale(stage: Stage) -> None:
    stage.settings = StackSettings(stage.home, runtime="in-network")
    result = stage.audit()
    assert result.exit_code == 1
    assert "cannot run inside one: run it on the host" in result.stderr
