"""Loki itself evaluates each LogQL alert: its expression case by case, and its rule as it runs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import yaml

from firedrill.drills.ask import duration
from tests.log_rules.cases import AlertTests, Case, every_file, numbered, rule
from tests.log_rules.store import Store, started
from tests.stack.driver import poll_until

TESTS = list(every_file())
CASES = [(tests.alert, case) for tests in TESTS for case in tests.cases]
# A minute of window and a minute of `for` are ten seconds together.
SPEED = 12.0
# Longer ago than any window of a rule at speed 1, so that no case meets the lines of now.
AGO = 600.0
# How far an evaluation may be from where the clock says, on a busy machine, in seconds.
LATE = 2.0
NUMBER = r"-?[0-9.]+"

pytestmark = [
    pytest.mark.loki,
    pytest.mark.skipif(not shutil.which("loki"), reason="loki is not on the PATH"),
]


def ruler_file(alert: str) -> str:
    """Return a file with this one alert, at the tests' speed."""
    groups = [{"name": "test", "rules": [rule(alert, SPEED)]}]
    return str(yaml.safe_dump({"groups": groups}))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Have one Loki: a tenant for each alert's rule, and later one for each case."""
    rules = {tests.alert: ruler_file(tests.alert) for tests in TESTS}
    with started(tmp_path_factory.mktemp("loki"), rules, SPEED) as made:
        yield made


@pytest.mark.parametrize(("alert", "case"), CASES, ids=[f"{a}: {c.name}" for a, c in CASES])
def test_expression_gives_what_it_must(store: Store, alert: str, case: Case) -> None:
    tenant = f"case-{CASES.index((alert, case))}"
    origin = float(int(time.time() - AGO))
    store.push(tenant, [lines.stream(origin) for lines in case.lines])
    found = store.evaluate(tenant, rule(alert)["expr"], origin + case.at)
    given = {frozenset(row["metric"].items()): float(row["value"][1]) for row in found}
    expected = {frozenset(each["labels"].items()): each["value"] for each in case.gives}
    assert given == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_alert_fires_after_its_for(store: Store, tests: AlertTests) -> None:
    feed = Feed(store, tests)
    assert store.rule(tests.alert)["alerts"] in ([], None)
    poll_until(lambda: feed.go_on() == "pending", "the alert to be pending", 30)
    poll_until(lambda: feed.go_on() == "firing", "the alert to fire", 30)
    (alert,) = feed.rule["alerts"]
    since = datetime.fromisoformat(alert["activeAt"]).timestamp()
    hold = duration(rule(tests.alert)["for"]) / SPEED
    assert hold - 0.5 <= time.time() - since <= hold + LATE
    assert alert["labels"] == {"alertname": tests.alert, **tests.labels}
    assert alert["annotations"].keys() == tests.annotations.keys()
    for name, text in tests.annotations.items():
        assert re.fullmatch(re.escape(text).replace("NUMBER", NUMBER), alert["annotations"][name])


class Feed:
    """Lines that keep coming, as many a second as the tests say."""

    def __init__(self, store: Store, tests: AlertTests) -> None:
        self._store = store
        self._tests = tests
        self._last = time.time()
        self.rule: dict[str, Any] = {}

    def go_on(self) -> str:
        """Push what came since the last time; return the alert's state."""
        now = time.time()
        if fresh := [stream for stream in self._streams(now) if stream["values"]]:
            self._store.push(self._tests.alert, fresh)
        self._last = now
        self.rule = self._store.rule(self._tests.alert)
        assert self.rule["lastError"] == ""
        return "".join(alert["state"] for alert in self.rule["alerts"] or ())

    def _streams(self, now: float) -> Iterator[dict[str, Any]]:
        for lines in self._tests.feed:
            rate = float(lines["per_second"])
            numbers = range(int(self._last * rate) + 1, int(now * rate) + 1)
            values = [[f"{n / rate * 1e9:.0f}", f"line {n}", numbered(lines, n)] for n in numbers]
            yield {"stream": lines["labels"], "values": values}


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_cases_are_on_both_sides(tests: AlertTests) -> None:
    assert any(case.gives for case in tests.cases)
    assert any(not case.gives for case in tests.cases)
