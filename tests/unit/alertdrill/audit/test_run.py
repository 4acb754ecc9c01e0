from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.audit import run as module
from alertdrill.audit.report import CountSource, Report
from alertdrill.audit.run import (
    STABLE_S,
    TIMEOUT_S,
    UNCHANGED_TIMEOUT_S,
    Step,
    plan_steps,
    run_audit,
    wait_until_stable,
)
from alertdrill.config.services import SERVICES
from alertdrill.errors import AlertdrillError
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.audit.conftest import ROUTE
from tests.unit.alertdrill.drills.fakes import FakeClock
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

INSTANCES = ["web-1", "web-2", "data-service-1", "data-service-2", "collector-1", "loki-1"]
ROUND = [
    *(("restart", name) for name in ("web", "data-service", "collector", "loki")),
    *(("scale", name, count) for count in (3, 2) for name in ("web", "data-service")),
]


def make_runtime(url: str, error: BaseException | None = None) -> FakeRuntime:
    """Return an ephemeral stack behind `url`; scaling data-service raises `error` if it is set."""
    runtime = FakeRuntime()
    runtime.ephemeral, runtime.urls = True, {"lb": url}
    runtime.running = [*map(instance, INSTANCES), instance("web-3", state="standby", pid=None)]

    def fail(name: str, service: str, *_: object) -> None:
        if error and (name, service) == ("scale", "data-service"):
            raise error

    runtime.on_call = fail
    return runtime


class FakeCollector:
    """A collector that counts how often the log lines were read."""

    reads = 0

    def __init__(self, *_: object) -> None:
        self.lines = SimpleNamespace(read=self._read)

    def _read(self) -> None:
        FakeCollector.reads += 1

    def record_baseline(self) -> None:
        pass

    def retries(self) -> dict[str, int]:
        return {"web": 0}

    def sources(self, client: Any) -> list[CountSource]:
        return [CountSource("client: answered", len(client.ids), len(client.answered))]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCollector.reads = 0
    monkeypatch.setattr(module, "CountCollector", FakeCollector)
    monkeypatch.setattr(module, "wait_until_stable", lambda look, _: look())


def audit(
    runtime: FakeRuntime,
    requests: int,
    rounds: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Report:
    context: Any = SimpleNamespace(
        runtime=runtime,
        record=SimpleNamespace(began=1_700_000_000.0),
        notes=["An earlier run was cut off."],
        progress=SimpleNamespace(note=note),
    )
    return run_audit(context, ROUTE, requests=requests, rate=1000.0, rounds=rounds)


def test_everything_is_restarted_under_traffic(collector: None, peer: Peer) -> None:
    runtime, messages = make_runtime(peer.url), list[str]()
    report = audit(runtime, 180, note=messages.append)
    assert runtime.calls == ROUND
    assert len(peer.requests) == 180
    # The steps are spread evenly, and requests follow the last one.
    after = [step.after for step in report.steps]
    assert after == sorted(after)
    assert all(sent >= 20 * number for number, sent in enumerate(after, 1))
    assert report.exact
    assert (report.rounds, report.store) == (1, "Loki")
    assert report.notes[0] == "An earlier run was cut off."
    assert all(
        any(f"{step}:" in line for line in messages) for step in ("restart web", "scale web=3")
    )


def test_run_without_rounds_has_no_steps(collector: None, peer: Peer) -> None:
    runtime = make_runtime(peer.url)
    assert audit(runtime, 100, rounds=0).steps == []
    assert runtime.calls == []


def test_as_many_rounds_are_performed_as_fit(
    collector: None, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND_S", 0.05)
    runtime = make_runtime(peer.url)
    assert audit(runtime, 180).rounds == 3
    assert runtime.calls == ROUND * 3


def test_lines_are_read_repeatedly_before_they_rotate_away(
    collector: None, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_EVERY_REQUESTS", 30)
    audit(make_runtime(peer.url), 100, rounds=0)
    assert FakeCollector.reads >= 3


def test_failed_request_is_reported_at_once(collector: None, peer: Peer) -> None:
    peer.answer = lambda: Answer(503)
    messages: list[str] = []
    report = audit(make_runtime(peer.url), 100, rounds=0, note=messages.append)
    assert len(report.failures) == 100
    assert f"{report.failures[0].id} failed: 503" in messages
    assert not report.exact


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AlertdrillError("Gone.")])
@pytest.mark.parametrize(
    ("ephemeral", "last"), [(False, ("scale", "web", 2)), (True, ("scale", "data-service", 3))]
)
def test_interrupted_run_restores_the_scale_of_a_kept_stack(
    collector: None, peer: Peer, error: BaseException, ephemeral: bool, last: tuple[object, ...]
) -> None:
    runtime = make_runtime(peer.url, error)
    runtime.ephemeral = ephemeral
    with pytest.raises(type(error)):
        audit(runtime, 1000)
    assert runtime.calls[-1] == last


@pytest.mark.parametrize(
    ("running", "sentence"),
    [
        (["collector-1", "loki-1"], "The collector sends the lines to Loki."),
        (["collector-1", "fake-loki-1"], "Loki is not installed: a fake of Loki"),
        (["loki-1"], "No collector with Loki runs: lines are counted in the log files only."),
        (["collector-1"], "No collector with Loki runs"),
    ],
)
def test_report_notes_which_log_store_was_used(
    collector: None, peer: Peer, tmp_path: Path, running: list[str], sentence: str
) -> None:
    runtime = make_runtime(peer.url)
    runtime.running = [*map(instance, [*INSTANCES[:4], *running])]
    report = audit(runtime, 100, rounds=0)
    assert report.notes[-1].startswith(sentence)


SCALES = {"web": 2, "data-service": 2}


def test_fake_loki_is_restarted_in_place_of_loki() -> None:
    steps = plan_steps(SCALES, ["web", "data-service", "collector", "fake-loki", "grafana"], 1)
    assert Step("fake-loki") in steps
    assert Step("loki") not in steps
    assert Step("grafana") not in steps


def test_service_at_max_replicas_scales_in_first() -> None:
    highest = SERVICES["web"].replicas.max
    steps = [step for step in plan_steps({"web": highest}, ["web"], 1) if step.count]
    assert steps == [Step("web", highest - 1), Step("web", highest)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake_clock = FakeClock()
    monkeypatch.setattr(module, "time", fake_clock)
    return fake_clock


AWAY = AlertdrillError("Away.")


def wait(*readings: int | AlertdrillError) -> tuple[Sequence[CountSource], list[str]]:
    """Return the result for a source with a number of ten requests for each poll, and messages."""
    left, messages = list(readings), list[str]()

    def read() -> Sequence[CountSource]:
        count = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(count, AlertdrillError):
            raise count
        return [CountSource("files: web", 10, count)]

    return wait_until_stable(read, messages.append), messages


@pytest.mark.parametrize(
    ("readings", "difference", "shortest", "longest"),
    [
        ([10], 0, STABLE_S, UNCHANGED_TIMEOUT_S),
        ([AWAY, 10], 0, STABLE_S, UNCHANGED_TIMEOUT_S),
        ([10, 10, 10, 11], 1, UNCHANGED_TIMEOUT_S, UNCHANGED_TIMEOUT_S + 10),
        ([9], -1, UNCHANGED_TIMEOUT_S, UNCHANGED_TIMEOUT_S + 5),
        (range(1000, 0, -1), None, TIMEOUT_S, TIMEOUT_S + 5),
    ],
)
def test_counts_must_be_stable(
    clock: FakeClock,
    readings: Sequence[int | AlertdrillError],
    difference: int | None,
    shortest: float,
    longest: float,
) -> None:
    started = clock.now
    [source] = wait(*readings)[0]
    assert difference in (source.difference, None)
    assert shortest <= clock.now - started < longest


def test_each_change_of_a_slow_source_is_reported(clock: FakeClock) -> None:
    [source], messages = wait(7, 8, 9, 10)
    assert source.exact
    assert messages == [
        *(f"waiting for files: web -{missing}" for missing in (3, 2, 1)),
        "all counts agree; waiting for late duplicates",
    ]


def test_source_that_never_answers_is_an_error(clock: FakeClock) -> None:
    with pytest.raises(AlertdrillError, match=r"^Away\.$"):
        wait(AWAY)
