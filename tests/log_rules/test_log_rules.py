"""Test each LogQL alert with a real Loki: its expression by cases, and its rule in the ruler."""

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
from tests.log_rules.cases import AlertTests, Case, all_test_files, numbered, rule
from tests.log_rules.loki_server import LokiServer, run_loki
from tests.log_rules.mutations import mutations

TESTS = list(all_test_files())
CASES = [(tests.alert, case) for tests in TESTS for case in tests.cases]
# A window and a `for` of a minute each take ten seconds together.
SPEED = 12.0
# The age of a case's lines: longer than any window at speed 1, so that current lines do not matter.
LINE_AGE_S = 600.0
# The tolerance of evaluation times on a busy machine, in seconds.
TOLERANCE_S = 2.0
NUMBER = r"-?[0-9.]+"

pytestmark = [
    pytest.mark.loki,
    pytest.mark.skipif(not shutil.which("loki"), reason="loki is not on the PATH"),
]


def ruler_file(alert: str) -> str:
    """Return a rule file with only this alert, at the tests' speed."""
    groups = [{"name": "test", "rules": [rule(alert, SPEED)]}]
    return str(yaml.safe_dump({"groups": groups}))


@pytest.fixture(scope="module")
def loki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LokiServer]:
    """Run a Loki with a tenant for each alert's rule; each case adds another tenant."""
    rules = {tests.alert: ruler_file(tests.alert) for tests in TESTS}
    with run_loki(tmp_path_factory.mktemp("loki"), rules, SPEED) as store:
        yield store


Samples = dict[frozenset[tuple[str, str]], float]


class Cases:
    """The cases; each pushes its lines to its own tenant when it is first evaluated."""

    def __init__(self, loki: LokiServer) -> None:
        self._store = loki
        self._origins: dict[int, float] = {}

    def evaluate(self, alert: str, case: Case, expression: str) -> Samples:
        """Return the samples of an expression at the case's time."""
        number = CASES.index((alert, case))
        tenant = f"case-{number}"
        if number not in self._origins:
            self._origins[number] = float(int(time.time() - LINE_AGE_S))
            lines = [line.stream(self._origins[number]) for line in case.lines]
            self._store.push(tenant, lines)
        rows = self._store.evaluate(tenant, expression, self._origins[number] + case.at)
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in rows}


@pytest.fixture(scope="module")
def cases(loki: LokiServer) -> Cases:
    """Return the cases of all alerts."""
    return Cases(loki)


def expected_samples(case: Case) -> Any:
    """Return the expected samples, with a tolerance."""
    expected = {frozenset(sample["labels"].items()): sample["value"] for sample in case.result}
    return pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("alert", "case"), CASES, ids=[f"{a}: {c.name}" for a, c in CASES])
def test_expression_returns_expected_samples(cases: Cases, alert: str, case: Case) -> None:
    assert cases.evaluate(alert, case, rule(alert)["expr"]) == expected_samples(case)


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_every_mutation_is_killed(cases: Cases, tests: AlertTests) -> None:
    """Run the mutation check, as for Prometheus's rules."""

    def survives(changed: str) -> bool:
        return all(
            cases.evaluate(tests.alert, case, changed) == expected_samples(case)
            for case in tests.cases
        )

    changed = mutations(rule(tests.alert)["expr"])
    survivors = [text for text, expression in changed.items() if survives(expression)]
    assert survivors == list(tests.equivalent)


@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests.alert)
def test_alert_fires_after_its_for(loki: LokiServer, tests: AlertTests) -> None:
    feed = Feed(loki, tests)
    assert loki.rule(tests.alert)["alerts"] in ([], None)
    poll_until(lambda: feed.push_and_get_state() == "pending", "the alert to be pending", 30)
    poll_until(lambda: feed.push_and_get_state() == "firing", "the alert to fire", 30)
    (alert,) = feed.rule["alerts"]
    since = datetime.fromisoformat(alert["activeAt"]).timestamp()
    hold = tests.after / SPEED
    assert hold - 0.5 <= time.time() - since <= hold + TOLERANCE_S
    assert alert["labels"] == {"alertname": tests.alert, **tests.labels}
    assert alert["annotations"].keys() == tests.annotations.keys()
    for name, text in tests.annotations.items():
        assert re.fullmatch(re.escape(text).replace("NUMBER", NUMBER), alert["annotations"][name])


class Feed:
    """A continuous stream of lines, with the rates of the tests."""

    def __init__(self, loki: LokiServer, tests: AlertTests) -> None:
        self._store = loki
        self._tests = tests
        self._last = time.time()
        self.rule: dict[str, Any] = {}

    def push_and_get_state(self) -> str:
        """Push the lines since the last call; return the alert's state."""
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
def test_cases_include_results_and_no_results(tests: AlertTests) -> None:
    assert any(case.result for case in tests.cases)
    assert any(not case.result for case in tests.cases)
