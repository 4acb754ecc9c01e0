"""The tests that `alertdrill new alert` writes pass, and detect every mutation of its rule."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.scaffold.alert import ALERT_KINDS, AlertKind, add_alert
from alertdrill.scaffold.repository import Repository, write_changes
from tests.rules.mutations.check import check_alert
from tests.rules.mutations.promtool import promtool
from tests.rules.mutations.rules import RuleTests

# The recording rules that the alert about errors reads.
RECORDED = "prometheus/rules/sli.yml"


@pytest.fixture
def tests(tmp_path: Path, kind: AlertKind) -> RuleTests:
    """Write an alert into an empty folder, with what its tests need."""
    repository = add_alert(Repository(ROOT), "WebTrouble", "web", kind)
    files = {RECORDED: repository.read(RECORDED), **repository.changes}
    write_changes(Repository(tmp_path).with_files(files))
    return RuleTests(tmp_path / "tests/rules/WebTrouble.yml")


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_tests_pass_with_the_rule_files_that_they_list(tests: RuleTests) -> None:
    for command in (
        ["test", "rules", str(tests.path)],
        ["check", "rules", "--lint=all", "--lint-fatal", *map(str, rule_files(tests))],
    ):
        done = subprocess.run([promtool(), *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def rule_files(tests: RuleTests) -> list[Path]:
    return [tests.path.parent / file for file in tests.parsed()["rule_files"]]


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_every_mutation_of_the_rule_is_detected(tests: RuleTests) -> None:
    report = check_alert(tests)
    assert report.problems == []
    assert len(report.killed) > 5
