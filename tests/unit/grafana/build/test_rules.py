from __future__ import annotations

from pathlib import Path

import pytest

from grafana.build.rules import Alert, BuildError, Limit, alert, alerts

SLOW = """
(
    share_of_requests
  > 0.05
)
and
rate(requests[1m]) > 0.5
"""


def test_alerts_of_prometheus_and_loki_are_read() -> None:
    assert {"ServiceDown", "LogsMissing"} <= alerts().keys()
    assert alert("ServiceDown").severity == Limit("ServiceDown").severity == "page"


def test_recording_rules_are_excluded(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus" / "rules"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("groups: [{name: a, rules: [{record: a:b, expr: vector(1)}]}]")
    assert alerts(tmp_path) == {}


@pytest.mark.parametrize(
    ("of", "expected"), [("", (">", 0.05)), ("requests[1m]", (">", 0.5))], ids=["alone", "by side"]
)
def test_comparison_on_a_line_of_its_own_comes_first(of: str, expected: tuple[str, float]) -> None:
    assert Alert("Slow", SLOW, "page").comparison(of) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit("AvailabilityBurnFast", "burnrate1h"), (14.4, True)),
        (Limit("AvailabilityBurnFast", "burnrate6h"), (6, True)),
        (Limit("HostMemoryLow"), (0.1, False)),
        (Limit("ErrorBudgetSpent", of_remainder=True), (0, False)),
    ],
)
def test_limit_is_the_rules_number(limit: Limit, expected: tuple[float, bool]) -> None:
    assert (limit.value, limit.above) == expected


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (Limit("ServiceDown"), "ServiceDown compares nothing with a number"),
        (Limit("ServiceUp"), "no alert named 'ServiceUp'"),
        (Limit("AvailabilityBurnFast", "burnrate9h"), "nothing like burnrate9h"),
    ],
)
def test_missing_limit_is_named(limit: Limit, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        _ = limit.value
