import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.drills import session as module
from alertdrill.drills import undo
from alertdrill.drills.context import DrillContext
from alertdrill.drills.model import Drill, DrillError
from alertdrill.drills.result import PHASES, DrillResult, Verdict
from alertdrill.drills.session import Options, provision, publish, run_drills
from alertdrill.drills.undo import UndoLog, UndoRecord
from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import project_lock
from alerting.responder.drill_results import DrillResult as StoredResult
from alerting.responder.validation import parse_body
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeTraffic, make_context, make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

EPHEMERAL, CURRENT = Options(12.0), Options(1.0, current_stack=True)
UNDO = [("resume", "web-1")]
ENDED = ["end processes", "stop load", "down", "dismiss"]


class FakeSession:
    """Fakes of everything that a session starts; `log` has the events in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.runtime, self.user_runtime = FakeRuntime(folder, 12.0), FakeRuntime(folder)
        for stack in (self.runtime, self.user_runtime):
            stack.on_call = lambda method, *_: self.log.append(method)
        self.progress = FakeProgress()
        self.settings = StackSettings(folder / "home", runtime="native")
        self.undo_log = UndoLog(self.settings.home)

        def start_guard(home: Path) -> Any:
            assert home == self.settings.home
            assert self.undo_log.read()
            self.log.append("guard")
            return self

        def start_traffic(*_: object) -> FakeTraffic:
            traffic = FakeTraffic()
            monkeypatch.setattr(traffic, "stop", lambda: self.log.append("stop load"))
            return traffic

        monkeypatch.setattr(undo, "start_guard", start_guard)
        monkeypatch.setattr(module, "Traffic", start_traffic)
        for user in (module, undo):
            monkeypatch.setattr(user, "select_stack_runtime", self.select)
        monkeypatch.setattr(undo, "select_fault_target", self.select)
        monkeypatch.setattr(module, "ephemeral_settings", self._own_settings)
        monkeypatch.setattr(undo, "terminate_processes", lambda _: self.log.append("end processes"))

    def communicate(self, text: bytes) -> None:
        assert text == undo.DONE
        self.log.append("dismiss")

    def _own_settings(self, settings: StackSettings, speed: float) -> StackSettings:
        return replace(settings, home=settings.home / "own", speed=speed, ephemeral=True)

    def open(self, options: Options = EPHEMERAL) -> Any:
        return provision(self.settings, options, self.progress, self.select)

    def select(self, settings: StackSettings, *_: object) -> FakeRuntime:
        return self.runtime if settings.ephemeral else self.user_runtime

    def interrupt(self) -> None:
        """Interrupt a session in the middle of a fault."""
        with self.open(CURRENT) as context:
            context.record_undo("Down", UNDO)
            raise KeyboardInterrupt

    def leave_record(self, **changed: Any) -> None:
        """Write the undo record of a run that was killed."""
        record = UndoRecord("old-run", 1.0, self.settings, "Down", UNDO)
        self.undo_log.write(replace(record, **changed))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    return FakeSession(tmp_path, monkeypatch)


def test_ephemeral_stack_is_started_and_stopped(session: FakeSession) -> None:
    with session.open(Options(12.0, fake_loki=True, healing="off")) as context:
        assert session.log == ["guard", "down", "up"]
        stack = context.record.stack
        assert (stack.ephemeral, stack.speed, stack.fake_loki, stack.healing) == (
            *(True, 12.0, True, "off"),
        )
        assert context.folder.is_dir()
        assert context.folder.is_relative_to(session.settings.home / "drills")
        assert (context.runtime, context.user_runtime) == (session.runtime, session.user_runtime)
    assert session.log[3:] == ENDED
    assert not session.undo_log.file.exists()


def test_ephemeral_stack_starts_empty(session: FakeSession) -> None:
    old = session.settings.home / "own" / "old.data"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    with session.open():
        assert not old.exists()


def test_containers_have_one_ephemeral_stack_at_a_time(session: FakeSession) -> None:
    settings = replace(session.settings, runtime="compose", cache=session.settings.home / "cache")
    session.settings = replace(settings, home=settings.home / "other")
    session.undo_log = UndoLog(session.settings.home)
    with project_lock(settings), pytest.raises(LockedError), session.open():
        pass
    assert session.log == []
    with session.open():
        assert "up" in session.log


def test_current_stack_keeps_running(session: FakeSession) -> None:
    with session.open(CURRENT) as context:
        assert context.record.stack == session.settings
        assert context.runtime is context.user_runtime is session.user_runtime
        assert context.notes == []
    assert session.log == ["guard", "end processes", "stop load", "dismiss"]


def test_current_stack_must_run(session: FakeSession) -> None:
    session.user_runtime.running = []
    with pytest.raises(DrillError, match=r"^The stack is down: start it with `make up`, or"):
        session.open(CURRENT).__enter__()
    assert session.log == ["guard", "dismiss"]
    assert not session.undo_log.file.exists()


def test_failed_start_is_cleaned_up(session: FakeSession) -> None:
    session.runtime.refuses = {"up"}
    with pytest.raises(AlertdrillError, match="No up today"):
        session.open().__enter__()
    assert session.log == ["guard", "down", "up", "down", "dismiss"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DrillError, ZeroDivisionError])
def test_any_exception_is_cleaned_up(session: FakeSession, error: type[BaseException]) -> None:
    with pytest.raises(error), session.open():
        raise error
    assert session.log[3:] == ENDED


def test_sigterm_is_an_interrupt(session: FakeSession) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with pytest.raises(KeyboardInterrupt), session.open():
        os.kill(os.getpid(), signal.SIGTERM)
    assert session.log[3:] == ENDED
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_second_run_is_refused(session: FakeSession) -> None:
    busy = pytest.raises(LockedError, match="Another run of drills is in progress")
    with session.undo_log.lock(), busy:
        session.open().__enter__()
    assert session.log == []


def test_undo_log_has_the_current_fault(session: FakeSession) -> None:
    with session.open() as context:
        context.record_undo("Down", UNDO)
        entry = session.undo_log.read()
        assert entry == replace(context.record, alert="Down", undo=UNDO)
        context.record_undo("", ())
        entry = session.undo_log.read()
        assert entry
        assert entry.undo == []


def test_active_fault_is_undone_on_exit(session: FakeSession) -> None:
    with pytest.raises(KeyboardInterrupt):
        session.interrupt()
    assert session.log == ["guard", "end processes", "stop load", "resume", "dismiss"]


def test_failed_undo_stays_on_record(session: FakeSession) -> None:
    session.user_runtime.refuses = {"resume"}
    with pytest.raises(KeyboardInterrupt):
        session.interrupt()
    assert session.undo_log.read()
    assert "dismiss" not in session.log


# After a run that was killed


@pytest.mark.parametrize(
    ("undone", "end", "log"),
    [
        (True, "its rollback guard has undone its fault.", ["guard"]),
        (False, "its fault is undone now.", ["end processes", "resume", "guard"]),
    ],
)
def test_fault_of_a_killed_run_is_undone_once(
    session: FakeSession, undone: bool, end: str, log: list[str]
) -> None:
    session.leave_record(undone=undone)
    with session.open() as context:
        assert context.notes[0].endswith(f"was killed during Down; {end}")
    assert ("note", context.notes[0]) in session.progress.events
    assert session.log[: len(log)] == log


def test_old_ephemeral_stack_is_stopped(session: FakeSession) -> None:
    session.leave_record(stack=replace(session.settings, ephemeral=True))
    session.runtime.refuses = {"resume"}  # the stack is stopped anyway
    with session.open() as context:
        assert context.notes[0].endswith("; its ephemeral stack is stopped now.")
    assert session.log[:3] == ["end processes", "resume", "down"]


def test_fault_that_stays_refuses_every_run(session: FakeSession) -> None:
    session.leave_record()
    session.user_runtime.refuses = {"resume"}
    for _ in range(2):
        with pytest.raises(DrillError, match=r"its fault cannot be undone: resume web-1: No res"):
            session.open().__enter__()
    assert "guard" not in session.log


def test_run_killed_before_its_fault_is_reported(session: FakeSession) -> None:
    session.undo_log.file.parent.mkdir(parents=True)
    session.undo_log.file.write_text("")
    with session.open() as context:
        assert context.notes == ["An earlier run was killed before its first fault."]


# The drills


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace drill runs by verdicts or exceptions, in order."""
    ends: list[Any] = []

    class FakeDrillRun:
        def __init__(self, drill: Drill, _: object) -> None:
            self.alert = drill.alert

        def execute(self) -> DrillResult:
            end = ends.pop(0)
            if isinstance(end, BaseException):
                raise end
            return DrillResult(self.alert, "", "", "page", end, "", 0.0)

    monkeypatch.setattr(module, "DrillRun", FakeDrillRun)
    return ends


@pytest.fixture
def context(session: FakeSession) -> Iterator[DrillContext]:
    with session.open() as context:
        yield context


def test_every_drill_runs(session: FakeSession, context: DrillContext, verdicts: list[Any]) -> None:
    verdicts += ["failed", "passed"]
    context.runtime.ephemeral = True
    report = run_drills(context, [make_drill(), make_drill(alert="Slow")])
    results = [(result.alert, result.verdict) for result in report.results]
    assert results == [("Down", "failed"), ("Slow", "passed")]
    shown = [event[0] for event in session.progress.events[-4:]]
    assert shown == ["started", "finished", "started", "finished"]
    assert (report.passed, report.notes, report.stack) == (False, [], "an ephemeral stack")


def test_interrupted_run_has_a_report(context: DrillContext, verdicts: list[Any]) -> None:
    verdicts += ["passed", KeyboardInterrupt()]
    report = run_drills(context, [make_drill()] * 4)
    assert len(report.results) == 1
    assert report.notes == ["The run was interrupted: 3 drills did not run to their end."]
    assert report.stack == "the stack that was up"


def test_run_without_drills_does_not_pass(context: DrillContext) -> None:
    assert not run_drills(context, []).passed


@pytest.mark.parametrize(
    ("names", "missing"),
    [([], "no collector and no loki"), (["loki-1"], "no collector"), (["collector-1"], "no loki")],
)
def test_drill_without_its_components_is_skipped(
    session: FakeSession, context: DrillContext, names: list[str], missing: str
) -> None:
    session.runtime.running = [instance(name) for name in names]
    report = run_drills(context, [make_drill(alert="LogsMissing")])
    (result,) = report.results
    assert (result.verdict, result.alert, result.severity) == ("skipped", "LogsMissing", "page")
    assert result.reason == f"This stack has {missing}, which LogsMissing requires."
    assert result.injected is None
    assert report.passed
    assert ("finished", "skipped") in session.progress.events


# The results, sent to the responder of the user's stack


def make_result(verdict: Any = "passed", reason: str = "") -> DrillResult:
    return DrillResult(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1763917200.25,
        ended=1763917220.0,
        times={"pending": 1.5, "firing": 3.0, "resolved": -0.001},
        limits=dict.fromkeys(PHASES, 5.0),
    )


@pytest.fixture
def user(runtime: FakeRuntime, server: FakeServer) -> FakeRuntime:
    runtime.running = [instance("responder-1")]
    runtime.urls["responder"] = server.url
    server.answers["/drills"] = {}
    return runtime


def send(user: FakeRuntime, result: DrillResult) -> None:
    stack = FakeRuntime(user.folder, speed=12.0)
    publish(result, replace(make_context(stack, user.folder), user_runtime=user))


def test_responder_accepts_a_result(user: FakeRuntime, server: FakeServer) -> None:
    send(user, make_result("failed", "It hung."))
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/drills")
    assert request.token == "the-responders-token"
    stored = parse_body(StoredResult, request.body)
    assert (stored.alert, stored.verdict, stored.reason) == ("InstanceHung", "failed", "It hung.")
    assert (stored.speed, stored.started_at.timestamp()) == (12, 1763917200.25)
    assert stored.phase_seconds == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}
    assert json.loads(request.body)["deadlines"] == dict.fromkeys(PHASES, 5.0)


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_responder_knows_every_verdict(
    user: FakeRuntime, server: FakeServer, verdict: Verdict
) -> None:
    send(user, make_result(verdict))
    sent = [parse_body(StoredResult, request.body).verdict for request in server.requests]
    assert sent == ([] if verdict == "skipped" else [verdict])


def test_stopped_stack_receives_no_result(user: FakeRuntime, server: FakeServer) -> None:
    user.running = [instance("responder-1", pid=None, state="stopped")]
    send(user, make_result())
    assert server.requests == []


def test_refusal_is_shown_once_and_tried_again(
    session: FakeSession, context: DrillContext, verdicts: list[Any], server: FakeServer
) -> None:
    session.user_runtime.running = [instance("responder-1")]
    session.user_runtime.urls["responder"] = server.url
    server.answers["/drills"] = 503
    verdicts += ["passed", "failed", "passed"]
    assert len(run_drills(context, [make_drill()] * 3).results) == 3
    [sentence] = [event[1] for event in session.progress.events[1:] if event[0] == "note"]
    assert str(sentence).startswith("A drill's result did not reach the responder: http")
    assert len(server.requests) == 3
