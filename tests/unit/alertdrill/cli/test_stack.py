import errno
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app, check, stack
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.base import Instance, State
from tests.unit.alertdrill.declared_services import redeclare
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

Run = Callable[..., Result]


def instances(*states: State) -> list[Instance]:
    """Return instances of web in these states."""
    return [
        instance(f"web-{number}", "127.0.0.1:15101", state=state)
        for number, state in enumerate(states, 1)
    ]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    runtime = FakeRuntime()
    runtime.running = instances("ready", "standby")
    runtime.urls = {"lb": "http://127.0.0.1:8080/"}
    for module in (check, stack):
        monkeypatch.setattr(module, "select_stack_runtime", lambda *_: runtime)
    monkeypatch.setattr(stack, "select_running_stack", lambda *_: runtime)
    monkeypatch.setattr(
        stack, "end_abandoned_runs", lambda *_: runtime.calls.append(("end_abandoned_runs",))
    )
    # It would start a Loki.
    monkeypatch.setattr(check, "check_logql", lambda *_: runtime.calls.append(("logql",)))
    return runtime


@pytest.fixture
def run(runtime: FakeRuntime) -> Run:
    return lambda *arguments: CliRunner().invoke(app.main, arguments, env={"COLUMNS": "200"})


def test_up_prints_addresses_instances_and_missing_parts(run: Run) -> None:
    result = run("up")
    assert result.exit_code == 0
    assert "http://127.0.0.1:8080/" in result.stdout
    assert "● ready" in result.stdout
    assert "web-1 is ready" in result.stderr
    assert "loki is not installed." in result.stderr


def test_status_warns_of_stacks_of_killed_runs(run: Run, runtime: FakeRuntime) -> None:
    runtime.leftovers = ["A killed run has left the ephemeral stack x."]
    assert "! A killed run has left the ephemeral stack x." in run("status").stderr


def test_up_as_json_prints_only_json(run: Run) -> None:
    report = json.loads(run("up", "--json").stdout)
    assert set(report) == {"runtime", "addresses", "instances", "missing", "seconds"}
    assert report["missing"] == ["loki is not installed."]
    assert report["instances"][0]["name"] == "web-1"


def test_status_as_json_has_every_field(run: Run) -> None:
    [first, _] = json.loads(run("status", "--json").stdout)
    assert first == {
        "name": "web-1",
        "service": "web",
        "state": "ready",
        "pid": 7,
        "address": "127.0.0.1:15101",
        "uptime_seconds": 1.5,
        "healing_enabled": False,
        "ops_address": "127.0.0.1:2",
    }


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["ready", "standby"], 0),
        (["ready", "unready"], 1),
        (["ready", "paused"], 1),
        (["stopped"], 1),
        ([], 1),
    ],
)
def test_status_exit_code_is_0_only_if_all_are_ready(
    run: Run, runtime: FakeRuntime, states: list[State], code: int, flags: list[str]
) -> None:
    runtime.running = instances(*states)
    assert run("status", *flags).exit_code == code


@pytest.mark.parametrize(("state", "count"), [("failed", 1), ("ready", 0)])
def test_status_says_how_to_start_what_is_missing(
    run: Run, runtime: FakeRuntime, state: State, count: int
) -> None:
    runtime.running = instances(state)
    assert run("status").stdout.count("Start what is missing with `make up`.") == count


def test_status_of_a_stopped_stack_says_so(run: Run, runtime: FakeRuntime) -> None:
    runtime.running = []
    assert run("status").stdout == "The stack is down: start it with `make up`.\n"
    assert json.loads(run("status", "--json").stdout) == []


@pytest.mark.parametrize("command", ["up", "check", "down", "stop web", "kill web", "scale web=2"])
def test_error_of_a_runtime_is_one_escaped_line(
    run: Run, runtime: FakeRuntime, command: str
) -> None:
    runtime.error = AlertdrillError("Port 1 is [taken]: \x1b[2J free it.")
    result = run(*command.split())
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "✗ Port 1 is [taken]: \\x1b[2J free it."


def test_invalid_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LB_PORT", "high")
    result = CliRunner().invoke(app.main, ["status"], env={"COLUMNS": "200"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "✗ LB_PORT is 'high': use a whole number from 1024 to 60000.\n"


@pytest.mark.parametrize(
    "argument", ["web", "web=", "=3", "web=x", "web=-1", "web=1.5", "web=²", "web=" + "9" * 5000]
)
def test_invalid_scale_is_refused_before_any_scaling(
    run: Run, runtime: FakeRuntime, argument: str
) -> None:
    result = run("scale", "data-service=2", "--", argument)
    assert result.exit_code == 1
    assert "is not SERVICE=COUNT: write it as in web=3." in " ".join(result.stderr.split())
    assert runtime.calls == []  # the good one was not begun


def test_scale_takes_several_services(run: Run, runtime: FakeRuntime) -> None:
    assert run("scale", "web=3", "data-service=1").exit_code == 0
    assert runtime.calls == [("scale", "web", 3), ("scale", "data-service", 1)]


def test_scale_without_a_service_is_a_usage_error(run: Run) -> None:
    assert run("scale").exit_code == 2


@pytest.mark.parametrize("name", ["start", "stop", "restart", "kill", "pause", "resume"])
def test_action_reaches_its_target(run: Run, runtime: FakeRuntime, name: str) -> None:
    result = run(name, "web-1")
    assert (result.exit_code, result.stdout) == (0, f"{name} web-1: done.\n")
    assert runtime.calls == [(name, "web-1")]


def test_down_prints_that_it_is_done(run: Run, runtime: FakeRuntime) -> None:
    assert run("down").stdout == "Down.\n"
    # A fault is undone while the stack is up.
    assert runtime.calls == [("end_abandoned_runs",), ("down",)]


def test_check_covers_the_compose_file(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "has_compose", lambda: True)
    assert run("check").stdout == "Every configuration is valid.\n"
    assert runtime.calls == [("check",), ("logql",), ("check",)]


def test_check_reports_what_it_skipped(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "has_compose", lambda: False)
    assert "SKIPPED: docker-compose.yml was not checked" in run("check").stderr
    assert runtime.calls == [("check",), ("logql",)]


def test_open_prints_and_opens_the_page(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    assert run("open", "serv").stdout == "http://127.0.0.1:8080/\n"
    assert opened == ["http://127.0.0.1:8080/"]
    assert "http://127.0.0.1:8080/" in run("open").stdout
    assert len(opened) == 1  # a list opens nothing


def test_open_refuses_an_unknown_page_with_the_known_ones(run: Run) -> None:
    result = run("open", "kibana")
    assert (result.exit_code, result.stdout) == (1, "")
    message = " ".join(result.stderr.split())
    assert "no page named 'kibana': known pages are services. Run `alertdrill doctor`" in message


def test_full_disk_is_one_sentence(run: Run, runtime: FakeRuntime) -> None:
    runtime.error = OSError(errno.ENOSPC, "No space left on device", "/var/state.json")
    result = run("down")
    assert result.exit_code == 1
    message = " ".join(result.stderr.split())
    assert "/var/state.json: No space left on device. Free space or correct" in message


def test_exec_runs_a_command_of_a_service_and_exits_with_its_code(
    run: Run, runtime: FakeRuntime
) -> None:
    assert run("exec", "web", "--", "flask", "--app", "blog", "init-db").exit_code == 3
    assert runtime.calls[-1] == ("execute", "web", "flask", "--app", "blog", "init-db")


def test_run_adds_arguments_to_the_job(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", job="python -m report 'two words'")
    assert run("run", "web", "--", "--rows", "5").exit_code == 3
    expected = ("execute", "web", "python", "-m", "report", "two words", "--rows", "5")
    assert runtime.calls[-1] == expected


def test_run_without_a_job_says_where_to_add_it(run: Run, runtime: FakeRuntime) -> None:
    result = run("run", "web")
    assert result.exit_code == 1
    assert "web has no job: add one to its entry in apps/services.yml" in result.stderr
    assert not runtime.calls


def test_test_passes_arguments_and_the_exit_code(run: Run, runtime: FakeRuntime) -> None:
    assert run("test", "web", "--", "-k", "home").exit_code == 5
    assert runtime.calls[-1] == ("test", "web", "-k", "home")
