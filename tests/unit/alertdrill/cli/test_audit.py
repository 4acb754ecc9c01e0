import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.audit.client import Route, audit_route
from alertdrill.audit.hostile.report import HostileReport
from alertdrill.audit.report import CountSource, Report
from alertdrill.cli import app, audit
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.drills.session import Options
from tests.unit.alertdrill.audit.conftest import a_report
from tests.unit.alertdrill.audit.hostile.test_report import OFFENDER, a_hostile_report

LOST = CountSource("files: web", 3, 2, missing=["run-1"])


class FakeAudit:
    """An audit that returns `report` and never starts a stack."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.report = a_report()
        self.hostile_report = a_hostile_report()
        self.route: Route | None = None
        self.options: Options | None = None
        self.audit_options: dict[str, object] = {}
        self.error: BaseException | None = None
        self.settings = StackSettings(home, runtime="native")
        monkeypatch.setattr("alertdrill.config.settings.current", lambda: self.settings)
        monkeypatch.setattr(audit, "provision", self._provision)
        monkeypatch.setattr(audit, "run_audit", self._run)
        monkeypatch.setattr(audit, "run_hostile", self._run_hostile)

    @contextmanager
    def _provision(
        self, settings: StackSettings, options: Options, _: object, select: Callable[..., object]
    ) -> Iterator[Any]:
        self.options = options
        select(settings)
        folder = self.home / options.folder / "2026-11-23"
        folder.mkdir(parents=True)
        yield SimpleNamespace(folder=folder)

    def _run(self, _: object, route: Route, **audit_options: object) -> Report:
        self.route = route
        self.audit_options = audit_options
        if self.error:
            raise self.error
        return self.report

    def _run_hostile(self, _: object, **audit_options: object) -> HostileReport:
        self.audit_options = audit_options
        return self.hostile_report

    def audit(self, *arguments: str) -> Result:
        return CliRunner().invoke(app.main, ["audit", *arguments])

    def file(self, name: str) -> str:
        [path] = self.home.glob(f"audit/*/{name}")
        return path.read_text()


@pytest.fixture
def fake_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAudit:
    return FakeAudit(tmp_path, monkeypatch)


def test_exact_audit_exits_0(fake_audit: FakeAudit) -> None:
    result = fake_audit.audit()
    assert result.exit_code == 0
    assert "every source counted each of them once" in result.stdout
    assert fake_audit.route == audit_route(SERVICES.values())
    assert fake_audit.audit_options == {"requests": 20_000, "rate": 100, "rounds": None}
    assert fake_audit.options == Options(
        1, current_stack=False, fake_loki=True, healing="off", folder="audit"
    )


def test_difference_is_printed_and_exits_1(fake_audit: FakeAudit) -> None:
    fake_audit.report = a_report(LOST)
    result = fake_audit.audit(
        "--requests", "1000", "--rate", "50", "--rounds", "0", "--current-stack"
    )
    assert result.exit_code == 1
    assert "files: web misses run-1" in result.stdout
    assert fake_audit.audit_options == {"requests": 1000, "rate": 50, "rounds": 0}
    assert fake_audit.options == Options(
        1, current_stack=True, fake_loki=True, healing="off", folder="audit"
    )


def test_report_is_written_and_printed(fake_audit: FakeAudit) -> None:
    fake_audit.report = a_report(LOST)
    output = fake_audit.audit("--json").stdout
    assert json.loads(output) == json.loads(fake_audit.file("report.json"))
    assert "files: web misses run-1" in fake_audit.file("junit.xml")


@pytest.mark.parametrize(
    "arguments",
    [["--requests", "99"], ["--rate", "0"], ["--rounds", "-1"], ["--rate", "nan"], ["x"]],
)
def test_invalid_option_starts_no_stack(fake_audit: FakeAudit, arguments: list[str]) -> None:
    assert fake_audit.audit(*arguments).exit_code == 2
    assert fake_audit.options is None


def test_hostile_audit_exits_0_if_all_is_explained(fake_audit: FakeAudit) -> None:
    result = fake_audit.audit("--hostile", "--requests", "1000", "--seed", "7")
    assert result.exit_code == 0
    assert "all explained" in result.stdout
    assert fake_audit.route is None
    assert fake_audit.audit_options == {"inputs": 1000, "seed": 7, "rate": None, "replay": ()}


def test_offending_inputs_exit_1_and_can_be_replayed(fake_audit: FakeAudit) -> None:
    fake_audit.hostile_report = a_hostile_report(OFFENDER)
    result = fake_audit.audit("--hostile")
    assert result.exit_code == 1
    assert "response 500" in result.stdout
    [file] = fake_audit.home.glob("audit/*/inputs.jsonl")
    copy = file.rename(fake_audit.home / "inputs.jsonl")
    shutil.rmtree(file.parent)
    fake_audit.audit("--replay", str(copy))
    assert fake_audit.audit_options["replay"] == [OFFENDER.input]


def test_file_without_inputs_starts_no_stack(fake_audit: FakeAudit) -> None:
    file = fake_audit.home / "inputs.jsonl"
    file.touch()
    result = fake_audit.audit("--replay", str(file))
    assert result.exit_code == 1
    assert "has no inputs: the run that wrote it found nothing to repeat" in result.stderr
    assert fake_audit.options is None


def test_interruption_compares_nothing(fake_audit: FakeAudit) -> None:
    fake_audit.error = KeyboardInterrupt()
    result = fake_audit.audit()
    assert result.exit_code == 130
    assert "Interrupted: no counts were compared." in result.stderr


def test_audit_inside_a_container_is_refused(fake_audit: FakeAudit) -> None:
    fake_audit.settings = StackSettings(fake_audit.home, runtime="in-network")
    result = fake_audit.audit()
    assert result.exit_code == 1
    assert "Only the host can do this: run the command outside of the containers" in result.stderr
