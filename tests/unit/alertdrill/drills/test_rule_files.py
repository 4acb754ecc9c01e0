from pathlib import Path

import pytest

from alertdrill.drills import rule_files
from alertdrill.drills.rule_files import alert_names_in
from alertdrill.errors import AlertdrillError

RULES = "groups: [{name: g, rules: [{record: a:b, expr: up}, {alert: %s, expr: up}]}]"


def test_alerts_come_in_files_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(RULES % "Second")
    (tmp_path / "a.yml").write_text(RULES % "First")
    (tmp_path / "c.txt").write_text("no rules")
    assert alert_names_in(tmp_path) == ["First", "Second"]


@pytest.mark.parametrize("text", ["groups: [", "", "[]", "rules: []"])
def test_unreadable_rules_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(AlertdrillError, match=r"a\.yml: cannot read the rules: "):
        alert_names_in(tmp_path)


def test_alerts_are_of_both_stores() -> None:
    assert {"Watchdog", "LogsMissing"} <= set(rule_files.alert_names())
    assert "LogsMissing" in alert_names_in(rule_files.LOKI_RULES)
    assert "LogsMissing" not in alert_names_in(rule_files.PROMETHEUS_RULES)
