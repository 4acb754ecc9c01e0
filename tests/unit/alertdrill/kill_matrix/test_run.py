from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.responder import PerformedAction, ReceivedAlert
from alertdrill.drills import steady_state, undo
from alertdrill.drills.model import DrillError
from alertdrill.drills.undo import UndoRecord
from alertdrill.kill_matrix import run, state
from alertdrill.kill_matrix.result import RowResult
from alertdrill.kill_matrix.run import MatrixRun
from tests.unit.alertdrill.drills.fakes import FakeClock, make_context
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance
from tests.unit.alertdrill.kill_matrix.samples import row

TIMEOUT_S = 20.0


class FakeClient:
    """A client whose requests 3 and 4 fail."""

    sent = 0
    stopped = False

    def start(self) -> None:
        """Send nothing."""

    def stop(self) -> None:
        self.stopped = True

    def ended(self, count: int) -> bool:
        return count >= 0

    def count_lost(self, first: int, last: int) -> int:
        return sum(first <= number < last for number in (3, 4))


class Stack:
    """A stack whose killed web-1 has a successor `delay` seconds later; None means never."""

    language = "promql"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.runtime = FakeRuntime(folder)
        self.runtime.on_call = self._on_call
        self.delay: float | None = 5.0
        self.killed: float | None = None
        self.unsteady = False
        self.notifications: list[ReceivedAlert] = []
        self.finished: list[PerformedAction] = []
        self.records: list[Sequence[object]] = []
        self.results: list[RowResult] = []
        self.client = FakeClient()
        for module in (run, steady_state):
            monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(state, "threading", Threads)
        monkeypatch.setattr(self.runtime, "status", self._status)
        monkeypatch.setattr(steady_state, "find_deviation", self._deviation)
        self.context = make_context(
            self.runtime, folder, prometheus=self, responder=self, loki=None
        )
        monkeypatch.setitem(undo.ACTIONS, "close_circuit", lambda *_: None)
        monkeypatch.setattr(self.context.undo_log, "write", self._write)

    def run(self) -> RowResult:
        """Kill web-1."""
        results = self.results
        matrix: Any = MatrixRun(self.context, self.client, rate=10, timeout=TIMEOUT_S)  # type: ignore[arg-type]
        matrix.execute([row()], results.append)
        return results[0]

    def _on_call(self, method: str, *_: object) -> None:
        if method == "kill":
            assert self.records[-1], "the undo is not on record"
            self.killed = self.clock.now
            self.client.sent = 10
        elif method == "start":
            self.delay = 0.0

    def _status(self) -> list[Any]:
        if self.killed is None:
            return [instance("web-1", pid=7), instance("web-2", pid=8)]
        back = self.delay is not None and self.clock.now >= self.killed + self.delay
        successor = instance("web-1", pid=9 if back else None, state="ready" if back else "failed")
        return [successor, instance("web-2", pid=8)]

    def _deviation(self, *_: object) -> str:
        return "web-2 is failed." if self.unsteady else ""

    def _write(self, record: UndoRecord) -> None:
        self.records.append(record.undo)

    # Prometheus and the responder

    def query(self, _: str) -> list[Any]:
        return [{"metric": {"instance": "web-2"}, "value": [0, str(self.clock.now + 1)]}]

    def firing_alerts(self) -> list[Any]:
        if self.killed is None:
            return []
        return [
            {"alertname": "InstanceDown", "severity": "ticket"},
            {"alertname": "Watchdog", "severity": "none"},
        ]

    def received_alerts(self, since: float, **_: str) -> list[ReceivedAlert]:
        assert since == self.killed
        return self.notifications

    def actions(self, since: float) -> list[PerformedAction]:
        assert since == self.killed
        return self.finished


class Threads:
    """Threads that run when they start, because the clock of the test has no threads."""

    class Thread:
        def __init__(self, target: Any, daemon: bool) -> None:
            self.start = target

        def join(self, timeout: float) -> None:
            """Return at once."""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(tmp_path, monkeypatch)


def test_recovery_is_measured_from_the_fault(stack: Stack) -> None:
    result = stack.run()
    assert (result.verdict, result.recovered_by) == ("recovered", "its supervisor")
    assert result.seconds == pytest.approx(5.0, abs=0.5)
    assert (result.sent, result.lost) == (10, 2)
    assert [(alert.name, alert.severity) for alert in result.alerts] == [("InstanceDown", "ticket")]
    assert stack.client.stopped


def test_fault_is_undone_after_the_timeout(stack: Stack) -> None:
    stack.delay = None
    stack.notifications = [ReceivedAlert("InstanceDown", "firing", "ticket", {}, {})]
    result = stack.run()
    assert (result.verdict, result.seconds, result.recovered_by) == ("late", None, "")
    assert result.notified == ("InstanceDown (ticket)",)
    assert result.reason == "web-1 is failed."
    assert [call[0] for call in stack.runtime.calls] == ["kill", "start"]
    assert stack.records[-1] == ()


def test_action_of_the_responder_is_named(stack: Stack) -> None:
    times = (stack.clock.now, stack.clock.now)
    stack.finished = [PerformedAction("InstanceHung", "restart", "web", "web-1", "done", *times)]
    assert stack.run().recovered_by == "the responder (InstanceHung)"


def test_row_without_a_steady_state_breaks_nothing(stack: Stack) -> None:
    stack.unsteady = True
    result = stack.run()
    assert result.verdict == "aborted"
    assert result.reason.endswith("before the fault: web-2 is failed.")
    assert stack.runtime.calls == []


def test_refused_fault_is_undone_and_reported(stack: Stack) -> None:
    stack.runtime.refuses = {"kill"}
    result = stack.run()
    assert (result.verdict, result.reason) == (
        "aborted",
        "The fault could not be injected: No kill today.",
    )
    assert stack.runtime.calls[-1] == ("start", "web-1")


def test_fault_that_stays_ends_the_run_and_stays_on_record(stack: Stack) -> None:
    stack.runtime.refuses = {"start"}
    with pytest.raises(DrillError, match=r"kill web-1 could not be undone: start web-1"):
        stack.run()
    assert stack.records[-1]
    assert [result.verdict for result in stack.results] == ["recovered"]


def test_interruption_undoes_the_fault(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "find_unready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stack.run()
    assert stack.runtime.calls[-1] == ("start", "web-1")
    assert stack.records[-1] == ()


def test_process_that_ends_while_it_is_read_is_no_end_of_the_run(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = stack.runtime.status
    errors = [psutil.NoSuchProcess(7)]

    def read() -> Sequence[Any]:
        if stack.killed is not None and errors:
            raise errors.pop()
        return status()

    monkeypatch.setattr(stack.runtime, "status", read)
    assert stack.run().verdict == "recovered"
    assert not errors


def test_frozen_stack_is_unreachable(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(Threads.Thread):
        def __init__(self, target: Any, daemon: bool) -> None:
            super().__init__(lambda: None, daemon)

    monkeypatch.setattr(Threads, "Thread", Frozen)
    with pytest.raises(UnreachableError, match="does not answer within 10 s"):
        state.observe(stack.context)
