"""Run promtool on the rules: its checks and the unit tests of each alert."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.rules.mutations.promtool import promtool
from tests.rules.mutations.rules import RuleTests, all_test_files

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
RUNBOOKS = sorted((ROOT / "alerting" / "runbooks").glob("*.md"))
TESTS = all_test_files()


def run(*token_list: str | Path) -> None:
    """Run promtool; show its output if it fails."""
    done = subprocess.run([promtool(), *token_list], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def by_stem(path: Path) -> str:
    return path.stem


def by_file(tests: RuleTests) -> str:
    return str(tests.path.relative_to(HERE).with_suffix(""))


@pytest.mark.parametrize("tests", TESTS, ids=by_file)
def test_alert_fires_as_expected(tests: RuleTests, tmp_path: Path) -> None:
    # Only with the rules that it needs: all rules of a file would take minutes.
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": tests.needed()}))
    copy = tmp_path / tests.path.name
    copy.write_text(tests.written("rules.yml"))
    run("test", "rules", copy)


@pytest.mark.parametrize("tests", TESTS, ids=by_file)
def test_file_tests_its_alert(tests: RuleTests) -> None:
    groups = yaml.safe_load(tests.text)["tests"]
    checks = [check for group in groups for check in group["alert_rule_test"]]
    assert {check["alertname"] for check in checks} == {tests.path.stem}
    assert any(check["exp_alerts"] for check in checks)


def test_files_are_valid_as_they_are() -> None:
    """promtool reads each file and its rule files; no test matches this name."""
    run("test", "rules", "--run=^$", *(tests.path for tests in TESTS))


def test_rules_pass_every_lint() -> None:
    assert RULES
    run("check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=by_stem)
def test_runbook_queries_are_promql(runbook: Path, tmp_path: Path) -> None:
    queries = [part.partition("```")[0] for part in runbook.read_text().split("```promql\n")[1:]]
    assert queries
    # promtool parses expressions in rules only, so each query becomes one.
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    as_rules = tmp_path / "queries.yml"
    as_rules.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run("check", "rules", "--lint=none", as_rules)
