from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app, logs
from alertdrill.errors import AlertdrillError
from tests.unit.alertdrill.fake_runtime import FakeRuntime, Lines

Run = Callable[..., Result]
LINE = {
    "timestamp": "2026-11-23T10:20:30.456Z",
    "level": "ERROR",
    "message": "one",
    "service": "web",
    "instance": "web-1",
}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def interrupt(_: Lines) -> Lines:
    raise KeyboardInterrupt


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    """Return a runtime with two lines in files, whose reader is interrupted when it follows."""
    runtime = FakeRuntime()
    runtime.running = []
    runtime.lines = {"web-1": [json.dumps(LINE)], "lb-1": ["two"]}
    runtime.later = map(interrupt, [()])
    monkeypatch.setattr(logs, "select_stack_runtime", lambda *_: runtime)
    return runtime


@pytest.fixture
def run(runtime: FakeRuntime) -> Run:
    return lambda *arguments: CliRunner().invoke(
        app.main, ["logs", *arguments], env={"COLUMNS": "200"}
    )


def test_lines_are_printed_in_a_readable_form(run: Run) -> None:
    result = run()
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["lb-1", "two"],
        ["2026-11-23"],
        ["10:20:30.456", "web-1", "ERROR", "one"],
    ]
    assert result.stderr == "· from the log files: Loki is not running\n"


def test_json_prints_one_object_per_line(run: Run) -> None:
    unstructured, record = map(json.loads, run("--json").stdout.splitlines())
    assert {name: value for name, value in record.items() if value is not None} == LINE
    assert (unstructured["instance"], unstructured["message"]) == ("lb-1", "two")
    assert unstructured.keys() == record.keys()


def test_number_of_lines_is_limited(run: Run, runtime: FakeRuntime) -> None:
    assert len(run("web", "-n", "1").stdout.splitlines()) == 2  # the day, and the last line
    assert run("-n", "0").stdout == ""


def test_filters_are_applied(run: Run) -> None:
    assert (
        "one"
        in run("web", "--level", "error", "--grep", "message").stdout
        + run("--level", "error", "--grep", "instance=web").stdout
    )
    assert run("--level", "critical").stdout == ""


def test_search_without_matches_says_so(run: Run) -> None:
    result = run("--grep", "no such text")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1] == "· no lines match"


def test_error_is_one_line(run: Run, runtime: FakeRuntime) -> None:
    runtime.error = AlertdrillError("There is no instance or service 'x': see `make status`.")
    result = run("x")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == f"✗ {runtime.error}"


def test_interrupted_follow_exits_130(run: Run, runtime: FakeRuntime) -> None:
    result = run("-f")
    assert result.exit_code == 130
    assert "two" in result.stdout
    assert "no lines" not in result.stderr


def test_logql_is_printed_without_a_search(run: Run, runtime: FakeRuntime) -> None:
    result = run("--level", "error", "--logql")
    assert result.stdout == '{level=~"ERROR|CRITICAL"}\n'
    assert (result.stderr, runtime.calls) == ("", [])
