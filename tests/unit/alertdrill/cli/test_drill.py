from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app, drill
from alertdrill.drills.loader import Catalogue
from alertdrill.drills.model import NO_LOAD, Drill, DrillError, FaultSpec, LoadSpec, SyntheticSeries
from alertdrill.drills.result import DrillResult, Report, Verdict
from alertdrill.drills.session import Options
from tests.unit.alertdrill.drills.fakes import make_drill

Run = Callable[..., Result]


class FakeSession:
    """A session whose drills all end with `verdict`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        drills = [
            make_drill(alert="Busy", load=LoadSpec(shape="steady", users=60)),
            make_drill(alert="Down"),
            make_drill(alert="None", load=NO_LOAD),
            make_drill(
                alert="Past",
                backfill=[
                    SyntheticSeries(
                        series="up", duration=60.0, step=30.0, start_value=1.0, end_value=1.0
                    )
                ],
            ),
            make_drill(alert="Slow"),
        ]
        self.catalogue = Catalogue({drill.alert: drill for drill in drills}, [])
        self.verdict: Verdict = "passed"
        self.missing = 0
        self.ran: list[str] = []
        self.options: Options | None = None
        self.false_alarms: list[str] = []
        self.seconds = 0.0
        self.error: Exception | None = None
        self.folder = folder
        monkeypatch.setattr(drill, "load_all", lambda *_: self.catalogue)
        monkeypatch.setattr(drill, "provision", self._provision)
        monkeypatch.setattr(drill, "run_drills", self._run)
        monkeypatch.setattr(drill, "watch_for_false_alarms", self._watch)
        monkeypatch.setattr(drill, "write", lambda _, folder: folder / "index.html")

    @contextmanager
    def _provision(self, stack: Any, options: Options, *_: object) -> Iterator[Any]:
        self.ephemeral = stack.ephemeral
        if self.error:
            raise self.error
        self.options = options
        record = SimpleNamespace(stack=SimpleNamespace(speed=options.speed))
        yield SimpleNamespace(folder=self.folder, record=record)

    def _run(self, _: object, drills: Sequence[Drill]) -> Report:
        self.ran = [drill.alert for drill in drills]
        results = [
            DrillResult(name, "", "", "page", self.verdict, "", 0.0)
            for name in self.ran[: len(self.ran) - self.missing]
        ]
        return Report(0.0, 60.0, 12.0, "native", "", results)

    def _watch(self, _: object, seconds: float) -> list[str]:
        self.seconds = seconds
        return self.false_alarms


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    return FakeSession(tmp_path, monkeypatch)


@pytest.fixture
def run(session: FakeSession) -> Run:
    environment = {"COLUMNS": "200", "RUNTIME": "native"}
    return lambda *arguments: CliRunner().invoke(app.main, arguments, env=environment)


def test_list_has_every_drill(run: Run, session: FakeSession) -> None:
    description = "Web [red] is frozen."
    down = make_drill(description=description, fault=FaultSpec(kind="stop", target="lb"))
    session.catalogue = Catalogue({**session.catalogue.drills, "Down": down}, [])
    lines = run("drill", "list").stdout.splitlines()
    assert lines[0].split() == ["Alert", "Description", "Fault"]
    assert [line.split()[0] for line in lines[1:]] == ["Busy", "Down", "None", "Past", "Slow"]
    assert description in lines[2]
    assert lines[2].rstrip().endswith("stop on lb")


def test_check_counts_valid_drills(run: Run) -> None:
    result = run("drill", "check")
    assert (result.exit_code, result.stdout) == (0, "5 drills are valid, one for every alert.\n")


def test_check_prints_every_error(run: Run, session: FakeSession) -> None:
    session.catalogue = Catalogue({}, ["drills/A.yml:1: a [b].", "drills/C.yml:2: d."])
    result = run("drill", "check")
    assert result.exit_code == 1
    assert result.stdout == "✗ drills/A.yml:1: a [b].\n✗ drills/C.yml:2: d.\n"


def test_all_drills_run_grouped_by_load(run: Run, session: FakeSession) -> None:
    result = run("drill", "run")
    assert result.exit_code == 0
    # In order, but drills with another load come last.
    assert session.ran[:3] == ["Down", "Past", "Slow"]
    assert {*session.ran[3:]} == {"Busy", "None"}
    assert session.options == Options(12.0, current_stack=False)
    assert "5 drills at speed 12: 5 passed, in 1 min 0 s." in result.stdout
    assert f"Report: {session.folder / 'index.html'}" in result.stdout


def test_only_named_drills_run(run: Run, session: FakeSession) -> None:
    assert run("drill", "run", "Slow", "Down", "--speed", "1").exit_code == 0
    assert session.ran == ["Down", "Slow"]
    assert session.options == Options(1.0)


def test_last_failed_runs_only_failed_drills(
    run: Run, session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "failed_alerts", lambda _: ["Slow", "Down"])
    assert run("drill", "run", "--last-failed").exit_code == 0
    assert session.ran == ["Down", "Slow"]


def test_unknown_drill_is_refused(run: Run, session: FakeSession) -> None:
    result = run("drill", "run", "Dwon")
    assert result.exit_code == 1
    assert "There is no drill 'Dwon': see `alertdrill drill list`." in result.stderr
    assert session.options is None


def test_invalid_drills_stop_the_run(run: Run, session: FakeSession) -> None:
    session.catalogue = Catalogue(session.catalogue.drills, ["drills/A.yml:1: no."])
    result = run("drill", "run", "Down")
    assert (result.exit_code, session.options) == (1, None)
    assert "drills/A.yml:1: no." in result.stderr


def test_drill_with_backfill_is_refused_on_the_current_stack(
    run: Run, session: FakeSession
) -> None:
    result = run("drill", "run", "--current-stack")
    assert (result.exit_code, session.options) == (1, None)
    assert "The drill Past replaces Prometheus's history" in result.stderr
    assert run("drill", "run", "--current-stack", "Down").exit_code == 0
    assert session.options == Options(12.0, current_stack=True)


@pytest.mark.parametrize(("runtime", "ephemeral"), [("in-network", True), ("native", False)])
def test_drill_with_backfill_runs_inside_an_ephemeral_stack(
    session: FakeSession, runtime: str, ephemeral: bool
) -> None:
    arguments = ["drill", "run", "Past", "--current-stack", "--ephemeral"]
    result = CliRunner().invoke(app.main, arguments, env={"RUNTIME": runtime})
    assert (result.exit_code, session.ran) == (0, ["Past"])
    assert session.ephemeral is ephemeral


@pytest.mark.parametrize("verdict", ["failed", "deviated", "aborted"])
def test_any_other_verdict_exits_1(run: Run, session: FakeSession, verdict: Verdict) -> None:
    session.verdict = verdict
    assert run("drill", "run").exit_code == 1


def test_inconclusive_run_exits_75(run: Run, session: FakeSession) -> None:
    session.verdict = "inconclusive"
    assert run("drill", "run").exit_code == 75


def test_interrupted_run_exits_130(run: Run, session: FakeSession) -> None:
    session.missing = 1
    result = run("drill", "run")
    assert result.exit_code == 130
    assert "Report: " in result.stdout


@pytest.mark.parametrize("command", [["drill", "run"], ["false-alarms"]])
def test_failed_session_is_one_line(run: Run, session: FakeSession, command: list[str]) -> None:
    session.error = DrillError("Another run is in progress.")
    result = run(*command)
    assert result.exit_code == 1
    assert result.stderr.strip().endswith("✗ Another run is in progress.")


@pytest.mark.parametrize("speed", ["0", "0.5", "1001", "fast", "nan"])
def test_speed_must_be_in_range(run: Run, speed: str) -> None:
    assert run("drill", "run", "--speed", speed).exit_code == 2


def test_run_without_false_alarms_exits_0(run: Run, session: FakeSession) -> None:
    result = run("false-alarms", "--for", "90s", "--speed", "10")
    assert (result.exit_code, session.seconds) == (0, 90)
    assert result.stdout == "No false alarms in 90s at speed 10: only Watchdog fires.\n"


def test_false_alarm_is_printed_and_exits_1(run: Run, session: FakeSession) -> None:
    session.false_alarms = ["Slow fired for service=web.", "Down fired."]
    result = run("false-alarms")
    assert (result.exit_code, session.seconds) == (1, 180)
    assert result.stdout == "✗ Slow fired for service=web.\n✗ Down fired.\n"


@pytest.mark.parametrize("duration", ["90", "1.5m", "m", "-5s", "0s"])
def test_invalid_duration_of_for_is_refused(run: Run, session: FakeSession, duration: str) -> None:
    result = run("false-alarms", f"--for={duration}")
    assert result.exit_code == 2
    assert f"Invalid value for '--for': '{duration}' " in result.stderr
    assert session.options is None
