from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.drills.loader import load_all
from tests.tiers.changed_rules import (
    BASE_VARIABLE,
    UnknownBaseError,
    base_tree,
    changed_alerts,
    changed_mutations,
    fault_code,
)

FOLDERS = (
    "alertdrill/drills/faults",
    "alerting",
    "telemetry/alertdrill_telemetry/faults",
    "drills",
    "loki/rules",
    "prometheus/rules",
    "tests/rules",
)
DRILLS = load_all().drills


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a copy of what the selection compares; a test edits it to differ from the tree."""
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def edit(base: Path, name: str, old: str, new: str) -> None:
    text = (base / name).read_text()
    assert old in text, f"{name} has no {old!r}"
    (base / name).write_text(text.replace(old, new, 1))


def test_nothing_changed(base: Path) -> None:
    assert changed_alerts(base, DRILLS) == []
    assert changed_mutations(base) == ([], [])


@pytest.mark.parametrize("file", ["drills/InstanceHung.yml", "alerting/runbooks/InstanceHung.md"])
def test_own_file_selects_one_alert(base: Path, file: str) -> None:
    (base / file).write_text("before")
    assert changed_alerts(base, DRILLS) == ["InstanceHung"]


def test_new_drill_is_a_change(base: Path) -> None:
    (base / "drills/InstanceHung.yml").unlink()
    assert changed_alerts(base, DRILLS) == ["InstanceHung"]


def test_policy_selects_one_alert(base: Path) -> None:
    edit(
        base,
        "alerting/policy.yml",
        "ServiceDown: {action: none, reason: ",
        "ServiceDown: {action: none, reason: x",
    )
    assert changed_alerts(base, DRILLS) == ["ServiceDown"]


def test_rule_selects_its_alert(base: Path) -> None:
    edit(base, "prometheus/rules/availability.yml", 'up{job!="load"} == 0', "up == 0")
    assert changed_alerts(base, DRILLS) == ["InstanceDown"]
    assert changed_mutations(base) == (["InstanceDown"], [])


def test_rule_on_log_lines_selects_its_alert(base: Path) -> None:
    (file,) = (
        file for file in base.glob("loki/rules/*.yml") if "UnhandledExceptions" in file.read_text()
    )
    edit(
        base, str(file.relative_to(base)), "alert: UnhandledExceptions", "alert: WasCalledOtherwise"
    )
    assert changed_alerts(base, DRILLS) == ["UnhandledExceptions"]


def test_recording_rule_selects_all_that_read_it(base: Path) -> None:
    edit(base, "prometheus/rules/sli.yml", "record: service:requests:rate5m", "record: before")
    alerts, records = changed_mutations(base)
    assert {"AvailabilityBurnFast"} <= set(alerts) <= set(changed_alerts(base, DRILLS))
    assert "InstanceDown" not in alerts
    assert "service:requests:rate5m" in records


def test_rule_test_selects_its_mutations_alone(base: Path) -> None:
    with (base / "tests/rules/InstanceDown.yml").open("a") as file:
        file.write("# before\n")
    assert changed_mutations(base) == (["InstanceDown"], [])
    assert changed_alerts(base, DRILLS) == []


def test_mutation_code_selects_every_rule(base: Path) -> None:
    with (base / "tests/rules/mutations/values.py").open("a") as file:
        file.write("# before\n")
    alerts, records = changed_mutations(base)
    tested = {file.stem for file in (ROOT / "tests/rules").rglob("*.yml")}
    assert set(alerts) == tested
    assert "service:requests:rate5m" in records


def test_base_without_rules_selects_every_rule(base: Path) -> None:
    shutil.rmtree(base / "prometheus")
    assert len(changed_mutations(base)[0]) > 30
    assert len(changed_alerts(base, DRILLS)) > 30


def test_fault_code_selects_what_it_breaks(base: Path) -> None:
    (file,) = {
        path
        for drill in DRILLS.values()
        for path in fault_code(drill.fault.kind)
        if path.endswith("host.py")
    }
    (base / file).write_text("before")
    assert {"HostCpuHigh", "HostMemoryLow"} <= set(changed_alerts(base, DRILLS)) < set(DRILLS)


def test_code_of_service_faults_selects_what_it_breaks(base: Path) -> None:
    (base / "telemetry/alertdrill_telemetry/faults/new.py").write_text("before")
    changed = changed_alerts(base, DRILLS)
    assert "WebHighErrorRate" in changed
    assert "InstanceHung" not in changed


@pytest.mark.parametrize("kind", sorted({drill.fault.kind for drill in DRILLS.values()}))
def test_code_of_every_fault_exists(kind: str) -> None:
    assert all((ROOT / path).exists() for path in fault_code(kind))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with two commits: `file` has `one`, then `two`; uncommitted: `three`."""
    run(tmp_path, "init", "--quiet")
    for text in ("one", "two"):
        (tmp_path / "file").write_text(text)
        run(tmp_path, "add", ".")
        run(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", text)
    (tmp_path / "file").write_text("three")
    return tmp_path


def run(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", root, *arguments], check=True)


@pytest.mark.parametrize(("commit", "text"), [(None, "one"), ("", "one"), ("HEAD", "two")])
def test_base_is_the_commit_before_unless_named(
    repository: Path, commit: str | None, text: str
) -> None:
    environment = {} if commit is None else {BASE_VARIABLE: commit}
    with base_tree(repository, environment) as tree:
        assert (tree / "file").read_text() == text


@pytest.mark.parametrize("commit", ["HEAD~2", "no-such-commit"])
def test_unknown_base_is_refused(repository: Path, commit: str) -> None:
    with (
        pytest.raises(UnknownBaseError, match=commit),
        base_tree(repository, {BASE_VARIABLE: commit}),
    ):
        pass
