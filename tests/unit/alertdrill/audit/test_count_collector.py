from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from alertdrill.audit import count_collector as module
from alertdrill.audit import request_counters
from alertdrill.audit.access_lines import HOPS
from alertdrill.audit.compare import CountSource
from alertdrill.audit.count_collector import CountCollector
from alertdrill.audit.errors import AuditError
from alertdrill.audit.request_counters import LbCounts
from tests.unit.alertdrill.audit.conftest import access, as_text
from tests.unit.alertdrill.drills.fakes import FakeClock

PUBLIC, INNER, WEB, DATA_SERVICE = HOPS
SENT = ["run-000000", "run-000001"]


class FakeClient:
    sent = SENT
    answered = 2
    failures = ()


class FakeStore:
    """Has every request, but what a test took away."""

    name = "Loki"

    def __init__(self) -> None:
        self.kept = {hop: Counter(SENT) for hop in HOPS}

    def count_ids(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        return self.kept


class World:
    """A stack in which every request left its traces, and a probe passed by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, list[dict[str, Any]]] = {"lb-1": [self.probe("a")]}
        self.lb = LbCounts({PUBLIC: 1, INNER: 0}, {"web": 0, "data-service": 0})
        self.served = {"web": 0, "data-service": 0}
        self.scraped = True
        self.store = FakeStore()
        monkeypatch.setattr(module, "time", FakeClock())
        monkeypatch.setattr(request_counters, "fetch_lb_counts", lambda _: self.lb)
        monkeypatch.setattr(request_counters, "count_served", lambda *_: self.served)
        monkeypatch.setattr(request_counters, "all_scraped_since", lambda *_: self.scraped)
        runtime: Any = self
        self.collector = CountCollector(runtime, "run", self.store)

    def probe(self, id_: str) -> dict[str, Any]:
        return access("lb", id_, frontend="public", path="/")

    def address(self, part: str) -> str:
        return f"http://127.0.0.1:1/{part}"

    def logs(self, target: str, lines: int | None) -> Iterator[tuple[str, str]]:
        for name, found in self.files.items():
            if name.startswith(target):
                yield from ((name, as_text(fields)) for fields in found)

    def pass_all(self) -> None:
        """Have two requests and a probe pass everybody."""
        for id_ in SENT:
            self.files["lb-1"] += [
                access("lb", id_, frontend=frontend) for frontend in ("public", "internal")
            ]
            self.files.setdefault("web-1", []).append(access("web", id_))
            self.files.setdefault("data-service-1", []).append(access("data-service", id_))
        self.files["lb-1"].append(self.probe("b"))
        self.lb = LbCounts({PUBLIC: 4, INNER: 2}, {"web": 0, "data-service": 0})
        self.served = {"web": 2, "data-service": 2}

    def off(self) -> list[CountSource]:
        client: Any = FakeClient()
        self.collector.lines.read()
        return [source for source in self.collector.sources(client) if not source.exact]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(monkeypatch)
    made.collector.record_baseline()
    made.pass_all()
    return made


def test_everybody_has_each_request(world: World) -> None:
    client: Any = FakeClient()
    world.collector.lines.read()
    sources = world.collector.sources(client)
    assert len(sources) == 1 + 4 + len(HOPS) * 2
    assert world.off() == []


def test_lost_line_is_named(world: World) -> None:
    world.files["web-1"].pop()
    assert [(source.name, source.missing) for source in world.off()] == [("files: web", SENT[1:])]


def test_line_missing_in_the_store_is_named(world: World) -> None:
    world.store.kept[DATA_SERVICE] = Counter(SENT[:1])
    [source] = world.off()
    assert (source.name, source.missing) == ("Loki: data-service", SENT[1:])


def test_uncounted_request_is_a_difference(world: World) -> None:
    world.served["web"] -= 1
    assert [(source.name, source.difference) for source in world.off()] == [("Prometheus: web", -1)]


def test_lost_line_of_a_probe_shows(world: World) -> None:
    world.files["lb-1"].pop()
    [source] = world.off()
    assert (source.name, source.difference) == ("counter of lb, public side", 1)


def test_retry_explains_one_more(world: World) -> None:
    again = world.files["lb-1"]
    again[-2]["retries"] = "1"
    world.files["data-service-1"].append(access("data-service", SENT[1]))
    world.store.kept[DATA_SERVICE][SENT[1]] += 1
    world.lb = LbCounts(world.lb.requests, {"web": 0, "data-service": 1})
    world.served["data-service"] += 1
    assert world.off() == []
    assert world.collector.retries().retries == {"web": 0, "data-service": 1}


def test_missing_scrape_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = World(monkeypatch)
    made.scraped = False
    with pytest.raises(AuditError, match="did not scrape all instances within 30 s"):
        made.collector.record_baseline()
