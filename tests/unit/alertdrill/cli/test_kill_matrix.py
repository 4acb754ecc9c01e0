from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app, kill_matrix
from alertdrill.config.settings import StackSettings
from alertdrill.drills.session import Options
from alertdrill.kill_matrix.plan import Row
from alertdrill.kill_matrix.result import Results, RowResult, read, write
from alertdrill.runtimes.compose import run_drills_in_container
from tests.unit.alertdrill.fake_runtime import FakeRuntime
from tests.unit.alertdrill.kill_matrix.samples import result


class FakeMatrix:
    """A stack of web-1 and web-2 whose rows end with `outcome`; `error` ends the run after one."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.outcome: dict[str, object] = {}
        self.error: BaseException | None = None
        self.ran: list[str] = []
        self.options: Options | None = None
        self.settings = StackSettings(home, runtime="native")
        monkeypatch.setattr("alertdrill.config.settings.current", lambda: self.settings)
        monkeypatch.setattr(kill_matrix, "provision", self._provision)
        monkeypatch.setattr(kill_matrix, "MatrixRun", self._matrix_run)

    @contextmanager
    def _provision(self, _: object, options: Options, *__: object) -> Iterator[Any]:
        self.options = options
        runtime = FakeRuntime()
        runtime.name = "native"
        yield SimpleNamespace(runtime=runtime, folder=self.home / "drills" / "run")

    def _matrix_run(self, *_: object, **limits: object) -> Any:
        self.limits = limits
        return self

    def execute(self, rows: Sequence[Row], on_result: Callable[[RowResult], None]) -> None:
        for row in rows:
            self.ran.append(str(row))
            values = {"target": row.target, "fault": row.fault, "copies": row.copies}
            on_result(result(**values, **self.outcome))
            if self.error:
                raise self.error

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app.main, ["kill-matrix", *arguments])

    @property
    def file(self) -> Path:
        return self.home / "kill-matrix.json"


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMatrix:
    return FakeMatrix(tmp_path, monkeypatch)


def test_every_row_is_stored_with_its_table(matrix: FakeMatrix) -> None:
    completed = matrix.run("--timeout", "30s", "--rate", "5")
    assert completed.exit_code == 0, completed.output
    assert len(matrix.ran) == 6
    assert matrix.limits == {"timeout": 30.0, "rate": 5}
    assert matrix.options == Options(12.0, current_stack=False)
    assert len(read(matrix.file).rows) == 6
    assert len(matrix.file.with_suffix(".md").read_text().splitlines()) == 8
    assert "6 rows: 6 recovered" in completed.stdout


def test_only_named_rows_run_and_older_results_stay(matrix: FakeMatrix) -> None:
    write(matrix.file, Results(rows=(result(target="web", copies=2, fault="pause"),)))
    matrix.run("--only", "web-1", "--fault", "kill")
    assert matrix.ran == ["kill web-1"]
    assert len(read(matrix.file).rows) == 2


def test_missing_runs_what_has_no_result(matrix: FakeMatrix) -> None:
    rows = (result(fault="stop"), result(fault="pause", verdict="aborted", seconds=None))
    write(matrix.file, Results(rows=rows))
    matrix.run("--only", "web-1", "--missing")
    assert matrix.ran == ["kill web-1", "pause web-1"]


def test_component_that_does_not_recover_exits_1(matrix: FakeMatrix) -> None:
    matrix.outcome = {"verdict": "late", "seconds": None}
    completed = matrix.run("--only", "web-1", "--fault", "pause")
    assert completed.exit_code == 1
    assert "pause of web-1 (1 of 2): not within 60 s; notified: none." in completed.stdout


def test_loss_of_every_copy_of_what_heals_exits_0(matrix: FakeMatrix) -> None:
    matrix.outcome = {"verdict": "late", "seconds": None, "total": 2, "component": "control"}
    assert matrix.run("--only", "web-1", "--fault", "stop").exit_code == 1
    matrix.outcome["total"] = 1
    assert matrix.run("--only", "web-1", "--fault", "stop").exit_code == 0


def test_interruption_keeps_the_rows_so_far(matrix: FakeMatrix) -> None:
    matrix.error = KeyboardInterrupt()
    assert matrix.run().exit_code == 130
    assert len(read(matrix.file).rows) == 1


def test_invalid_results_start_no_container(
    matrix: FakeMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.settings = StackSettings(matrix.home, runtime="compose")
    calls: list[object] = []
    monkeypatch.setattr(
        run_drills_in_container, "run_in_container", lambda *call: calls.append(call)
    )
    matrix.file.write_text("[]")
    completed = matrix.run("--only", "web-1")
    assert completed.exit_code == 1
    assert "is no kill matrix" in completed.stderr
    assert calls == []


def test_rows_of_containers_are_merged_on_the_host(
    matrix: FakeMatrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix.settings = StackSettings(matrix.home, runtime="compose")
    words: list[str] = []

    def run(_: object, command: Sequence[str], speed: float | None, __: object) -> int:
        words.extend([*command, str(speed)])
        report = matrix.home / "drills" / "run" / "kill-matrix.json"
        write(report, Results(rows=(result(runtime="compose"),)))
        return 0

    monkeypatch.setattr(run_drills_in_container, "run_in_container", run)
    write(matrix.file, Results(rows=(result(),)))
    assert matrix.run("--only", "web-1", "--fault", "kill").exit_code == 0
    assert words[1:] == ["--timeout=90s", "--rate=10", "--only=web-1", "--fault=kill", "12.0"]
    assert [row.runtime for row in read(matrix.file).rows] == ["native", "compose"]
