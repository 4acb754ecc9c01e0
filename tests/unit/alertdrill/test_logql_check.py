import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from alertdrill import logql_check
from alertdrill.logql_check import LogqlError, check, queries
from alertdrill.settings import StackSettings

needs_loki = pytest.mark.skipif(not shutil.which("loki"), reason="loki is not on the PATH")


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path)


def test_rules_and_runbooks_are_read() -> None:
    found = list(queries())
    files = {where for where, _ in found}
    assert {"loki/rules/lines.yml", "alerting/runbooks/ServiceDown.md"} <= files
    assert ("alerting/runbooks/ServiceDown.md", '{service="data-service"}') in found


def test_absent_loki_is_said(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = [folder for folder in os.get_exec_path() if not (Path(folder) / "loki").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(real))
    said: list[str] = []
    check(settings, said.append)
    assert said == ["SKIPPED: no LogQL was checked, for Loki is not on the PATH."]


@needs_loki
@pytest.mark.loki
def test_committed_queries_are_logql(settings: StackSettings) -> None:
    check(settings, print)


@needs_loki
@pytest.mark.loki
def test_broken_query_is_named(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [("loki/rules/x.yml", 'rate({a="b"}\n  [1m]')]
    monkeypatch.setattr(logql_check, "queries", lambda: broken)
    with pytest.raises(LogqlError, match=r"^loki/rules/x\.yml: `rate\(\{a=\"b\"\} \[1m\]` is no"):
        check(settings, print)


@needs_loki
@pytest.mark.loki
def test_refused_rule_is_told(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logql_check, "MOMENT", 2.0)

    def lay(layout: Any, name: str, speed: float) -> None:
        place = layout.etc / name
        if name.endswith(".yml"):
            place.write_text("overrides: {}\n")
        else:
            place.mkdir(parents=True)
            (place / "x.yml").write_text(BAD)

    monkeypatch.setattr("alertdrill.runtimes.native.configs.install", lay)
    with pytest.raises(LogqlError, match=r"^loki/rules: .*unclosed action"):
        check(settings, print)


BAD = """\
groups:
  - name: g
    rules:
      - {alert: A, expr: vector(1), labels: {severity: "{{ $labels.x "}}
"""
