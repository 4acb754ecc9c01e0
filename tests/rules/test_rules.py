"""Run promtool on the rules: its own checks, and the unit tests, one file an alert."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from firedrill.programs import CATALOGUE, default_cache, locate

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
RUNBOOKS = sorted((ROOT / "alerting" / "runbooks").glob("*.md"))
TESTS = sorted(HERE.glob("*.yml"))


@pytest.fixture(scope="session")
def promtool() -> Path:
    wanted = [program for program in CATALOGUE if program.name == "promtool"]
    return locate(wanted, default_cache(os.environ), print).programs["promtool"].path


def run(*command: str | Path) -> None:
    """Run promtool; show all it says when it finds something."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def by_stem(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("tests", TESTS, ids=by_stem)
def test_alert_fires_as_promised(promtool: Path, tests: Path) -> None:
    run(promtool, "test", "rules", tests)


@pytest.mark.parametrize("tests", TESTS, ids=by_stem)
def test_file_tests_its_alert(tests: Path) -> None:
    groups = yaml.safe_load(tests.read_text())["tests"]
    checks = [check for group in groups for check in group["alert_rule_test"]]
    assert {check["alertname"] for check in checks} == {tests.stem}
    assert any(check["exp_alerts"] for check in checks)


def test_rules_pass_every_lint(promtool: Path) -> None:
    assert RULES
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=by_stem)
def test_runbook_queries_are_promql(promtool: Path, runbook: Path, tmp_path: Path) -> None:
    queries = [part.partition("```")[0] for part in runbook.read_text().split("```promql\n")[1:]]
    assert queries
    # promtool parses expressions in rules only, so each query becomes one.
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    as_rules = tmp_path / "queries.yml"
    as_rules.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run(promtool, "check", "rules", "--lint=none", as_rules)
