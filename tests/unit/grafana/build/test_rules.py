from __future__ import annotations

from pathlib import Path

import pytest

from grafana.build.errors import BuildError
from grafana.build.rules import Alert, Limit, alert, alerts, limit

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
    assert alert("ServiceDown").severity == "page"


def test_recording_rules_are_excluded(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus" / "rules"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("groups: [{name: a, rules: [{record: a:b, expr: vector(1)}]}]")
    assert alerts(tmp_path) == {}


def test_limit_on_a_line_of_its_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grafana.build.rules.alert", lambda name: Alert(name, SLOW, "page"))
    assert limit("Slow") == Limit("Slow", "page", 0.05, above=True)


def test_limit_is_found_by_its_left_side() -> None:
    assert limit("AvailabilityBurnFast", "burnrate1h").value == 14.4
    assert limit("AvailabilityBurnFast", "burnrate6h").value == 6


def test_lower_limit_has_its_colour_below() -> None:
    lower = limit("HostMemoryLow")
    assert (lower.value, lower.above) == (0.1, False)


def test_equality_is_not_a_limit() -> None:
    with pytest.raises(BuildError, match="ServiceDown compares nothing"):
        limit("ServiceDown")


def test_unknown_alert_is_named() -> None:
    with pytest.raises(BuildError, match="no alert named 'ServiceUp'"):
        alert("ServiceUp")


def test_unknown_side_is_named() -> None:
    with pytest.raises(BuildError, match="nothing like burnrate9h"):
        limit("AvailabilityBurnFast", "burnrate9h")
