import json
import signal
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.errors import UnknownTargetError
from alertdrill.runtimes.native import configs, faults
from alertdrill.runtimes.native.context import NativeContext
from alertdrill.runtimes.native.processes import RenderContext
from alertdrill.toolchain.find import ResolvedPrograms

PIDS = {"prometheus-1": 10, "alertmanager-1": 0, "web-1": 12}
Signals = list[tuple[int, str]]


class FakeSupervisor:
    """Has three processes, of which one is down."""

    def processes(self) -> dict[str, dict[str, Any]]:
        return {name: {"name": name, "pid": pid} for name, pid in PIDS.items()}


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Signals:
    sent: Signals = []
    monkeypatch.setattr(
        faults,
        "signal_instance",
        lambda pid, number: sent.append((pid, signal.Signals(number).name)),
    )
    return sent


@pytest.fixture
def context(tmp_path: Path, render_context: RenderContext, signals: Signals) -> Any:
    """Return the context of a stack with configurations at speed 12."""
    context: Any = NativeContext(StackSettings(tmp_path, speed=12.0))
    context.supervisor = FakeSupervisor()
    context.locate = lambda on_progress: ResolvedPrograms(render_context.programs, ())
    configs.write_all(context.layout, context.plan(), "http://127.0.0.1:8090", 12)
    faults.restore_targets(context)
    return context


def content(context: Any) -> dict[str, str]:
    """Return every file that the programs read."""
    files = (file for file in context.layout.etc.rglob("*") if file.is_file())
    return {str(file): file.read_text() for file in files}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("prometheus", "rules.d/drill.yml"),
        ("prometheus", "scrape.d/drill.yml"),
        ("prometheus", "scrape.d/native.yml"),
        ("prometheus", "prometheus.yml"),
        ("alertmanager", "alertmanager.yml"),
        ("alertmanager", "webhook_url"),
        ("loki", "overrides.yml"),
    ],
)
def test_configuration_is_added_and_removed(context: Any, part: str, name: str) -> None:
    before = content(context)
    for _ in range(2):
        faults.break_config(context, part, name, "broken: [")
    assert (context.layout.etc / part / name).read_text() == "broken: ["
    for _ in range(2):
        faults.restore_config(context, part, name)
    assert content(context) == before


def test_link_is_replaced(context: Any) -> None:
    context.settings = StackSettings(context.settings.home)
    configs.write_all(context.layout, context.plan(), "http://127.0.0.1:8090")
    place, committed = context.layout.etc / "alertmanager/alertmanager.yml", ROOT / "alerting"
    before = (committed / "alertmanager.yml").read_text()
    faults.break_config(context, "alertmanager", "alertmanager.yml", "broken: [")
    assert (committed / "alertmanager.yml").read_text() == before
    faults.restore_config(context, "alertmanager", "alertmanager.yml")
    assert place.readlink() == committed / "alertmanager.yml"


def test_component_is_reloaded(context: Any, signals: Signals) -> None:
    faults.break_config(context, "prometheus", "rules.d/drill.yml", "groups: []")
    faults.break_config(context, "alertmanager", "alertmanager.yml", "broken: [")  # it is down
    assert signals == [(10, "SIGHUP")]


def test_loki_gets_no_signal(
    context: Any, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PIDS, "loki-1", 13)
    faults.break_config(context, "loki", "overrides.yml", "overrides: {}")
    assert signals == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("prometheus", "rules"),
        ("prometheus", "rules/availability.yml"),
        ("prometheus", "rules.d/../../x.yml"),
        ("prometheus", "rules.d/drill.txt"),
        ("prometheus", "targets/stack.json"),
        ("alertmanager", "../prometheus/prometheus.yml"),
        ("lb", "haproxy.cfg"),
    ],
)
def test_other_files_are_refused(context: Any, signals: Signals, part: str, name: str) -> None:
    before = content(context)
    refusal = r"can't be configured: use prometheus/rules\.d/"
    with pytest.raises(UnknownTargetError, match=refusal):
        faults.break_config(context, part, name, "x")
    with pytest.raises(UnknownTargetError, match=refusal):
        faults.restore_config(context, part, name)
    assert (content(context), signals) == (before, [])


def listed(context: Any, name: str) -> set[str]:
    rows = json.loads((context.layout.targets / f"{name}.json").read_text())
    return {row["labels"]["service"] for row in rows}


@pytest.mark.parametrize(("service", "file"), [("node-exporter", "stack"), ("web", "services")])
def test_targets_are_dropped_and_restored(context: Any, service: str, file: str) -> None:
    before = content(context)
    faults.drop_targets(context, service)
    after = content(context)
    assert service not in listed(context, file)
    assert [name for name in before if after[name] != before[name]] == [
        str(context.layout.targets / f"{file}.json")
    ]
    faults.restore_targets(context)
    assert content(context) == before


def test_standby_instances_are_not_restored(context: Any) -> None:
    faults.drop_targets(context, "lb")
    assert "web-3" not in (context.layout.targets / "services.json").read_text()
