import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from click.testing import CliRunner, Result

from alertdrill import doctor
from alertdrill.cli import app
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import Instance
from alertdrill.runtimes.base import ProgressCallback, State

Run = Callable[..., Result]


class FakeRuntime:
    """Does nothing, and remembers what it was asked."""

    name = "fake"

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.states: list[State] = ["ready", "standby"]
        self.error: BaseException | None = None

    def _do(self, *what: object) -> None:
        self.asked.append(what)
        if self.error:
            raise self.error

    def check(self, on_progress: ProgressCallback) -> None:
        self._do("check")

    def check_logql(self, on_progress: ProgressCallback) -> None:
        self._do("logql")

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        on_progress("web-1 serves")
        self._do("up")
        return ["loki is not here."]

    def down(self, on_progress: ProgressCallback) -> None:
        self._do("down")

    def status(self) -> Sequence[Instance]:
        return [
            Instance(f"web-{number}", "web", state, 7, "127.0.0.1:15101", 1.5)
            for number, state in enumerate(self.states, 1)
        ]

    def instances(self, service: str) -> Sequence[Instance]:
        return self.status()

    def start(self, target: str) -> None:
        self._do("start", target)

    def stop(self, target: str) -> None:
        self._do("stop", target)

    def kill(self, target: str) -> None:
        self._do("kill", target)

    def pause(self, target: str) -> None:
        self._do("pause", target)

    def resume(self, target: str) -> None:
        self._do("resume", target)

    def restart(self, target: str) -> None:
        self._do("restart", target)

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        self._do("scale", service, count)

    def address(self, part: str) -> str:
        return ""

    def addresses(self) -> Mapping[str, str]:
        return {"Services": "http://127.0.0.1:8080/"}


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    made = FakeRuntime()
    monkeypatch.setattr(app, "select_runtime", lambda *_: made)
    # It would start a Loki.
    monkeypatch.setattr(
        "alertdrill.logql_check.check", lambda _, on_progress: made.check_logql(on_progress)
    )
    return made


@pytest.fixture
def run(runtime: FakeRuntime) -> Run:
    return lambda *arguments: CliRunner().invoke(app.main, arguments, env={"COLUMNS": "200"})


def test_up_prints_where_everything_is(run: Run) -> None:
    result = run("up")
    assert result.exit_code == 0
    assert "http://127.0.0.1:8080/" in result.stdout
    assert "● ready" in result.stdout
    assert "web-1 serves" in result.stderr
    assert "loki is not here." in result.stderr


def test_up_as_json_is_json_alone(run: Run) -> None:
    found = json.loads(run("up", "--json").stdout)
    assert set(found) == {"runtime", "addresses", "instances", "missing", "seconds"}
    assert found["missing"] == ["loki is not here."]
    assert found["instances"][0]["name"] == "web-1"


def test_status_as_json_has_every_field(run: Run) -> None:
    [first, _] = json.loads(run("status", "--json").stdout)
    assert first == {
        "name": "web-1",
        "service": "web",
        "state": "ready",
        "pid": 7,
        "address": "127.0.0.1:15101",
        "uptime_seconds": 1.5,
        "heals": False,
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
def test_status_code_tells_the_health(
    run: Run, runtime: FakeRuntime, states: list[State], code: int, flags: list[str]
) -> None:
    runtime.states = states
    assert run("status", *flags).exit_code == code


def test_status_of_nothing_says_so(run: Run, runtime: FakeRuntime) -> None:
    runtime.states = []
    assert run("status").stdout == "The stack is down: start it with `make up`.\n"
    assert json.loads(run("status", "--json").stdout) == []


@pytest.mark.parametrize("command", ["up", "check", "down", "stop web", "kill web", "scale web=2"])
def test_error_is_one_sentence(run: Run, runtime: FakeRuntime, command: str) -> None:
    runtime.error = AlertdrillError("Port 1 is [taken]: \x1b[2J free it.")
    result = run(*command.split())
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "✗ Port 1 is [taken]: \\x1b[2J free it."


def test_bad_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LB_PORT", "high")
    result = CliRunner().invoke(app.main, ["status"], env={"COLUMNS": "200"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "✗ LB_PORT is 'high': use a whole number from 1024 to 60000.\n"


@pytest.mark.parametrize(
    "wanted", ["web", "web=", "=3", "web=x", "web=-1", "web=1.5", "web=²", "web=" + "9" * 5000]
)
def test_bad_scale_says_the_form(run: Run, runtime: FakeRuntime, wanted: str) -> None:
    result = run("scale", "data-service=2", "--", wanted)
    assert result.exit_code == 1
    assert "is not SERVICE=COUNT: write it as in web=3." in " ".join(result.stderr.split())
    assert runtime.asked == []  # the good one was not begun


def test_scale_takes_several_services(run: Run, runtime: FakeRuntime) -> None:
    assert run("scale", "web=3", "data-service=1").exit_code == 0
    assert runtime.asked == [("scale", "web", 3), ("scale", "data-service", 1)]


def test_scale_without_service_is_misuse(run: Run) -> None:
    assert run("scale").exit_code == 2


@pytest.mark.parametrize("name", ["start", "stop", "restart", "kill", "pause", "resume"])
def test_action_reaches_its_target(run: Run, runtime: FakeRuntime, name: str) -> None:
    result = run(name, "web-1")
    assert (result.exit_code, result.stdout) == (0, f"{name} web-1: done.\n")
    assert runtime.asked == [(name, "web-1")]


def test_down_says_done(run: Run, runtime: FakeRuntime) -> None:
    assert run("down").stdout == "Down.\n"
    assert runtime.asked == [("down",)]


def test_check_looks_at_containers_too(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "has_compose", lambda: True)
    assert run("check").stdout == "Every configuration is valid.\n"
    assert runtime.asked == [("check",), ("logql",), ("check",)]


def test_check_tells_what_it_skipped(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "has_compose", lambda: False)
    assert "SKIPPED: docker-compose.yml was not checked" in run("check").stderr
    assert runtime.asked == [("check",), ("logql",)]


def test_open_prints_and_opens_the_page(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    assert run("open", "serv").stdout == "http://127.0.0.1:8080/\n"
    assert opened == ["http://127.0.0.1:8080/"]
    assert "http://127.0.0.1:8080/" in run("open").stdout
    assert len(opened) == 1  # a list opens nothing


def test_open_names_the_known_pages(run: Run) -> None:
    result = run("open", "kibana")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no page named 'kibana': known pages are services." in result.stderr


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warning", 0), ("problem", 1)])
def test_doctor_fails_only_for_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, state: doctor.State, code: int
) -> None:
    check = doctor.Check("ports", state, "8080 is [taken]", "Free it.")
    monkeypatch.setattr(app, "checks", lambda _: [check])
    result = run("doctor")
    assert result.exit_code == code
    assert "8080 is [taken]" in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_command(run: Run, shell: str) -> None:
    assert "_ALERTDRILL_COMPLETE" in run("completion", shell).stdout
