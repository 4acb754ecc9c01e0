import json
import signal
from pathlib import Path
from typing import Any

import pytest

from alertdrill.programs import Located
from alertdrill.runtimes.native import breakage, configs, processes
from alertdrill.runtimes.native.breakage import UnconfigurableError
from alertdrill.runtimes.native.hands import Hands
from alertdrill.runtimes.native.process import Site
from alertdrill.settings import ROOT, StackSettings

PIDS = {"prometheus-1": 10, "alertmanager-1": 0, "web-1": 12}
Signals = list[tuple[int, str]]


class FakeSupervisor:
    """Knows three processes, of which one is down."""

    def processes(self) -> dict[str, dict[str, Any]]:
        return {name: {"name": name, "pid": pid} for name, pid in PIDS.items()}


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Signals:
    sent: Signals = []
    monkeypatch.setattr(
        processes,
        "signal_instance",
        lambda pid, number: sent.append((pid, signal.Signals(number).name)),
    )
    return sent


@pytest.fixture
def hands(tmp_path: Path, site: Site, signals: Signals) -> Any:
    """Return hands of a stack whose files are laid out at speed 12."""
    made: Any = Hands(StackSettings(tmp_path, speed=12.0))
    made.supervisor = FakeSupervisor()
    made.locate = lambda notify: Located(site.programs, ())
    configs.write(made.layout, made.plan(), "http://127.0.0.1:8090", 12)
    breakage.relist(made)
    return made


def content(hands: Any) -> dict[str, str]:
    """Return every file that the programs read."""
    files = (file for file in hands.layout.etc.rglob("*") if file.is_file())
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
def test_configuration_comes_and_goes(hands: Any, part: str, name: str) -> None:
    before = content(hands)
    for _ in range(2):
        breakage.configure(hands, part, name, "broken: [")
    assert (hands.layout.etc / part / name).read_text() == "broken: ["
    for _ in range(2):
        breakage.configure(hands, part, name, None)
    assert content(hands) == before


def test_link_is_replaced_not_written_through(hands: Any) -> None:
    hands.settings = StackSettings(hands.settings.home)
    configs.write(hands.layout, hands.plan(), "http://127.0.0.1:8090")
    place, committed = hands.layout.etc / "alertmanager/alertmanager.yml", ROOT / "alerting"
    before = (committed / "alertmanager.yml").read_text()
    breakage.configure(hands, "alertmanager", "alertmanager.yml", "broken: [")
    assert (committed / "alertmanager.yml").read_text() == before
    breakage.configure(hands, "alertmanager", "alertmanager.yml", None)
    assert place.readlink() == committed / "alertmanager.yml"


def test_part_reads_it_anew(hands: Any, signals: Signals) -> None:
    breakage.configure(hands, "prometheus", "rules.d/drill.yml", "groups: []")
    breakage.configure(hands, "alertmanager", "alertmanager.yml", "broken: [")  # which is down
    assert signals == [(10, "SIGHUP")]


def test_loki_is_spared_the_signal(
    hands: Any, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PIDS, "loki-1", 13)
    breakage.configure(hands, "loki", "overrides.yml", "overrides: {}")
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
def test_nothing_else_is_configured(hands: Any, signals: Signals, part: str, name: str) -> None:
    before = content(hands)
    for text in ("x", None):
        with pytest.raises(UnconfigurableError, match=r"can't be configured: prometheus/rules\.d/"):
            breakage.configure(hands, part, name, text)
    assert (content(hands), signals) == (before, [])


def listed(hands: Any, name: str) -> set[str]:
    rows = json.loads((hands.layout.targets / f"{name}.json").read_text())
    return {row["labels"]["service"] for row in rows}


@pytest.mark.parametrize(("service", "file"), [("node-exporter", "stack"), ("web", "services")])
def test_service_is_unlisted_and_back(hands: Any, service: str, file: str) -> None:
    before = content(hands)
    breakage.unlist(hands, service)
    after = content(hands)
    assert service not in listed(hands, file)
    assert [name for name in before if after[name] != before[name]] == [
        str(hands.layout.targets / f"{file}.json")
    ]
    breakage.relist(hands)
    assert content(hands) == before


def test_standby_ones_stay_unlisted(hands: Any) -> None:
    breakage.unlist(hands, "lb")
    assert "web-3" not in (hands.layout.targets / "services.json").read_text()
