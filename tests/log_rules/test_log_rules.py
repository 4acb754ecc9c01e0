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

from tests.e2e.stack import poll_until
from tests.log_rules.cases import AlertTests, Case, every_file, numbered, rule
from tests.log_rules.mutations import mutations
from tests.log_rules.store import Store, started

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


Samples = dict[frozenset[tuple[str, str]], float]


class Cases:
    """Each case's lines, pushed when they are asked for, to a tenant of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._origins: dict[int, float] = {}

    def evaluate(self, alert: str, case: Case, expression: str) -> Samples:
        """Return what an expression gives at the case's moment."""
        number = CASES.index((alert, case))
        tenant = f"case-{number}"
        if number not in self._origins:
            self._origins[number] = float(int(time.time() - AGO))
            lines = [each.stream(self._origins[number]) for each in case.lines]
            self._store.push(tenant, lines)
        found = self._store.evaluate(tenant, expression, self._origins[number] + case.at)
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in found}


@pytest.fixture(scope="module")
def cases(store: Store) -> Cases:
    """Have the cases of all alerts."""
    return Cases(store)


def must_give(case: Case) -> Any:
    """Return what compares equal to what the case wants."""
    expected = {frozenset(each["labels"].items()): each["value"] for each in case.gives}
    return pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("alert", "case"), CASES, ids=[f"{a}: {c.name}" for a, c in CASES])
def test_expression_gives_what_it_must(cases: Cases, alert: str, case: Case) -> None:
    assert cases.evaluate(alert, case, rule(alert)["expr"]) == must_give(case)


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_every_change_is_noticed(cases: Cases, tests: AlertTests) -> None:
    """As the mutation check of Prometheus's rules: who never fails proves nothing."""

    def survives(changed: str) -> bool:
        return all(
            cases.evaluate(tests.alert, case, changed) == must_give(case) for case in tests.cases
        )

    changed = mutations(rule(tests.alert)["expr"])
    survivors = [text for text, expression in changed.items() if survives(expression)]
    assert survivors == list(tests.excused)


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_alert_fires_after_its_for(store: Store, tests: AlertTests) -> None:
    feed = Feed(store, tests)
    assert store.rule(tests.alert)["alerts"] in ([], None)
    poll_until(lambda: feed.go_on() == "pending", "the alert to be pending", 30)
    poll_until(lambda: feed.go_on() == "firing", "the alert to fire", 30)
    (alert,) = feed.rule["alerts"]
    since = datetime.fromisoformat(alert["activeAt"]).timestamp()
    hold = tests.after / SPEED
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
