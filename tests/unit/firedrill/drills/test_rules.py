from pathlib import Path

import pytest

from firedrill.drills.rules import alerts
from firedrill.errors import FiredrillError

RULES = "groups: [{name: g, rules: [{record: a:b, expr: up}, {alert: %s, expr: up}]}]"


def test_alerts_come_in_files_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(RULES % "Second")
    (tmp_path / "a.yml").write_text(RULES % "First")
    (tmp_path / "c.txt").write_text("no rules")
    assert alerts(tmp_path) == ["First", "Second"]


@pytest.mark.parametrize("text", ["groups: [", "", "[]", "rules: []"])
def test_unreadable_rules_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(FiredrillError, match=r"a\.yml can't be read: "):
        alerts(tmp_path)


def test_shipped_rules_have_a_watchdog() -> None:
    assert "Watchdog" in alerts()
