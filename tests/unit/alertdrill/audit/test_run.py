from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.audit import run as module
from alertdrill.audit.compare import CountSource
from alertdrill.audit.request_counters import LbCounts
from alertdrill.audit.run import AuditOptions, run_audit
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import Instance
from tests.unit.alertdrill.audit.conftest import Peer
from tests.unit.alertdrill.drills.fakes import instance

FOUND = ["web-1", "web-2", "data-service-1", "data-service-2", "collector-1", "loki-1"]
ROUND = [
    "restart web", "restart data-service", "restart collector", "restart loki",
    "scale web 3", "scale data-service 3", "scale web 2", "scale data-service 2",
]  # fmt: skip


class FakeRuntime:
    """Does as it is told, and remembers it."""

    name = "fake"

    def __init__(self, url: str, ephemeral: bool = True) -> None:
        self.url = url
        self.ephemeral = ephemeral
        self.found = [*map(instance, FOUND), instance("web-3", state="standby", pid=None)]
        self.asked: list[str] = []
        self.error: BaseException | None = None

    def status(self) -> Sequence[Instance]:
        return self.found

    def addresses(self) -> dict[str, str]:
        return {"Services": self.url}

    def address(self, part: str) -> str:
        return f"{self.url}/{part}"

    def restart(self, target: str) -> None:
        self.asked.append(f"restart {target}")

    def scale(self, service: str, count: int, on_progress: object) -> None:
        self.asked.append(f"scale {service} {count}")
        if self.error and service == "data-service":
            raise self.error
        names = [f"{service}-{number}" for number in range(1, count + 1)]
        rest = [one for one in self.found if one.service != service]
        self.found = [*rest, *map(instance, names)]


class FakeCollector:
    """Counts nothing; notes after how many requests the lines were read."""

    reads = 0

    def __init__(self, *_: object) -> None:
        self.lines = SimpleNamespace(read=self._read)

    def _read(self) -> None:
        FakeCollector.reads += 1

    def record_baseline(self) -> None:
        pass

    def retries(self) -> LbCounts:
        return LbCounts({}, {"web": 0})

    def sources(self, client: Any) -> list[CountSource]:
        return [CountSource("client: answered", len(client.sent), client.answered)]


@pytest.fixture(autouse=True)
def collector(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCollector.reads = 0
    monkeypatch.setattr(module, "CountCollector", FakeCollector)
    monkeypatch.setattr(module, "wait_until_stable", lambda look, _: look())


def provisioned(runtime: FakeRuntime) -> Any:
    record = SimpleNamespace(began=1_700_000_000.0)
    return SimpleNamespace(runtime=runtime, record=record, notes=["An earlier run was cut off."])


def test_everything_is_restarted_under_traffic(peer: Peer) -> None:
    runtime, told = FakeRuntime(peer.url), list[str]()
    report = run_audit(provisioned(runtime), AuditOptions(180, 1000.0), told.append)
    assert runtime.asked == ROUND
    assert len(peer.count_ids) == 180
    assert [done.after for done in report.steps] == sorted(done.after for done in report.steps)
    assert report.exact
    assert (report.rounds, report.store) == (1, "Loki")
    assert report.notes[0] == "An earlier run was cut off."
    assert all(any(f"{step}:" in line for line in told) for step in ("restart web", "scale web=3"))


def test_calm_run_has_no_steps(peer: Peer) -> None:
    runtime = FakeRuntime(peer.url)
    assert run_audit(provisioned(runtime), AuditOptions(100, 1000.0, 0), lambda _: None).steps == []
    assert runtime.asked == []


def test_lines_are_read_before_they_go(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_EVERY_REQUESTS", 30)
    run_audit(provisioned(FakeRuntime(peer.url)), AuditOptions(100, 1000.0, 0), lambda _: None)
    assert FakeCollector.reads >= 3


def test_failure_is_told_at_once(peer: Peer) -> None:
    peer.answer = lambda *_: (503, "")
    told: list[str] = []
    report = run_audit(
        provisioned(FakeRuntime(peer.url)), AuditOptions(100, 1000.0, 0), told.append
    )
    assert len(report.failures) == 100
    assert f"{report.failures[0].id} failed: 503" in told
    assert not report.exact


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AlertdrillError("Gone.")])
def test_cut_off_run_puts_the_scale_back(peer: Peer, error: BaseException) -> None:
    runtime = FakeRuntime(peer.url, ephemeral=False)
    runtime.error = error
    with pytest.raises(type(error)):
        run_audit(provisioned(runtime), AuditOptions(1000, 1000.0), lambda _: None)
    assert runtime.asked[-1] == "scale web 2"


def test_own_stack_is_left_to_its_end(peer: Peer) -> None:
    runtime = FakeRuntime(peer.url)
    runtime.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_audit(provisioned(runtime), AuditOptions(1000, 1000.0), lambda _: None)
    assert runtime.asked[-1] == "scale data-service 3"


@pytest.mark.parametrize(
    ("running", "sentence"),
    [
        (["collector-1", "loki-1"], "The collector sends the lines to Loki."),
        (["collector-1", "fake-loki-1"], "Loki is not installed: a fake of Loki"),
        ([], "No collector with Loki runs: lines are counted in the log files only."),
    ],
)
def test_who_keeps_the_lines_is_told(
    peer: Peer, tmp_path: Path, running: list[str], sentence: str
) -> None:
    runtime = FakeRuntime(peer.url)
    runtime.found = [*map(instance, [*FOUND[:4], *running])]
    report = run_audit(provisioned(runtime), AuditOptions(100, 1000.0, 0), lambda _: None)
    assert report.notes[-1].startswith(sentence)
