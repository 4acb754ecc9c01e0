import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from alertdrill.cli import check as module
from alertdrill.cli.check import check_logql, queries
from alertdrill.config.settings import StackSettings
from alertdrill.errors import AlertdrillError

needs_loki = pytest.mark.skipif(not shutil.which("loki"), reason="loki is not on the PATH")


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path)


def test_queries_come_from_rules_and_runbooks() -> None:
    committed = list(queries())
    files = {file for file, _ in committed}
    assert {"loki/rules/lines.yml", "alerting/runbooks/ServiceDown.md"} <= files
    assert ("alerting/runbooks/ServiceDown.md", '{service="data-service"}') in committed


def test_missing_loki_is_reported(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    path_without_loki = [
        folder for folder in os.get_exec_path() if not (Path(folder) / "loki").exists()
    ]
    monkeypatch.setenv("PATH", os.pathsep.join(path_without_loki))
    messages: list[str] = []
    check_logql(settings, messages.append)
    assert messages == ["SKIPPED: LogQL was not checked: Loki is not on the PATH."]


@needs_loki
@pytest.mark.loki
def test_committed_queries_are_valid(settings: StackSettings) -> None:
    check_logql(settings, print)


@needs_loki
@pytest.mark.loki
def test_invalid_query_is_an_error_with_its_file(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [("loki/rules/x.yml", 'rate({a="b"}\n  [1m]')]
    monkeypatch.setattr(module, "queries", lambda: broken)
    with pytest.raises(
        AlertdrillError, match=r"^loki/rules/x\.yml: `rate\(\{a=\"b\"\} \[1m\]` is not"
    ):
        check_logql(settings, print)


@needs_loki
@pytest.mark.loki
def test_rule_that_loki_refuses_is_an_error(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RULES_TIMEOUT_S", 2.0)

    def install(layout: Any, name: str, speed: float) -> None:
        path = layout.etc / name
        if name.endswith(".yml"):
            path.write_text("overrides: {}\n")
        else:
            path.mkdir(parents=True)
            (path / "x.yml").write_text(BAD)

    monkeypatch.setattr("alertdrill.runtimes.native.configs.install", install)
    with pytest.raises(AlertdrillError, match=r"^loki/rules: .*unclosed action"):
        check_logql(settings, print)


BAD = """\
groups:
  - name: g
    rules:
      - {alert: A, expr: vector(1), labels: {severity: "{{ $labels.x "}}
"""
