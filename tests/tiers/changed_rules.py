"""Find the alerts and rules that changed since the base commit.

Both are compared by their inputs: every text that can change the result of an alert's drill, or
of a rule's mutations, in the base commit and in the working tree.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from alertdrill.config import ROOT
from alertdrill.drills.faults.registry import KINDS
from alertdrill.drills.faults.stack import service_fault
from alertdrill.drills.model import Drill
from tests.rules.mutations import check
from tests.rules.mutations.rules import RuleTests, all_test_files, name, reads

# The commit that the change is compared with, such as the tip of main before a push of several
# commits. Only what starts CI knows it; without it the last commit counts as the change.
BASE_VARIABLE = "CI_BASE"
RULE_FOLDERS = ("prometheus/rules", "loki/rules")
# What mutates the rules: a change here can change what every rule's tests notice.
MUTATION_CODE = ("tests/rules/mutations", "tests/rules/test_mutations.py")
# Service faults live in the services' own library, and an instance is told over HTTP to have them.
SERVICE_FAULTS = ("telemetry/alertdrill_telemetry/faults", "alertdrill/drills/faults/stack.py")
Inputs = Mapping[str, str]


class UnknownBaseError(Exception):
    """There is no base commit here, so that everything counts as changed."""


@contextmanager
def base_tree(root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield a folder with the files of the base commit.

    Raises UnknownBaseError where it is not in this clone: it is the first commit, or the clone is
    shallow.
    """
    base = environment.get(BASE_VARIABLE) or "HEAD~1"
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.zip"
        command = ["git", "-C", str(root), "archive", "--output", str(archive), base]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise UnknownBaseError(f"{base} is not in this clone: {done.stderr.strip()}")
        tree = Path(folder) / "tree"
        with zipfile.ZipFile(archive) as files:
            files.extractall(tree)
        yield tree


def differing(before: Inputs, now: Inputs) -> list[str]:
    """Return the names whose inputs are new or differ from before, in the order of `now`."""
    return [name for name, inputs in now.items() if before.get(name) != inputs]


def changed_alerts(base: Path, drills: Mapping[str, Drill], root: Path = ROOT) -> list[str]:
    """Return the alerts whose rule, runbook, policy, drill or fault code changed."""
    return differing(alert_inputs(base, drills), alert_inputs(root, drills))


def alert_inputs(root: Path, drills: Mapping[str, Drill]) -> dict[str, str]:
    """Return the inputs of every alert's drill, as a tree has them."""
    rules = read_rules(root)
    policy = _read_yaml(root / "alerting/policy.yml")
    policies = policy.get("alerts", {}) if isinstance(policy, dict) else {}
    return {
        alert: "\0".join(
            (
                _text(root / "drills" / f"{alert}.yml"),
                _text(root / "alerting/runbooks" / f"{alert}.md"),
                repr(policies.get(alert)),
                *map(repr, rules_of(alert, rules)),
                *(_text(root / path) for path in fault_code(drill.fault.kind)),
            )
        )
        for alert, drill in drills.items()
    }


def fault_code(kind: str) -> list[str]:
    """Return the files and folders that make a kind of fault, from the root."""
    fault = KINDS[kind].fault
    if fault is service_fault:
        return list(SERVICE_FAULTS)
    file = inspect.getsourcefile(fault)
    assert file is not None
    return [str(Path(file).relative_to(ROOT))]


def read_rules(root: Path) -> list[dict[str, Any]]:
    """Return every rule of a tree, as YAML reads it; of files that are no rules, none."""
    files = [file for folder in RULE_FOLDERS for file in sorted((root / folder).glob("*.yml"))]
    documents = map(_read_yaml, files)
    groups = [group for document in documents if document for group in document["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def rules_of(alert: str, rules: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rule of an alert and the recording rules that it reads, also through others."""
    rules = list(rules)
    needed = [rule for rule in rules if rule.get("alert") == alert]
    read = {name for rule in needed for name in reads(rule)}
    while more := [rule for rule in rules if rule.get("record") in read and rule not in needed]:
        needed += more
        read |= {name for rule in more for name in reads(rule)}
    return needed


def changed_mutations(base: Path, root: Path = ROOT) -> tuple[list[str], list[str]]:
    """Return the alerts and the recording rules whose mutations have to be tried again.

    They are all of them where the code of the mutation check changed.
    """
    alerts, records = mutation_inputs(root)
    if any(_text(base / path) != _text(root / path) for path in MUTATION_CODE):
        return list(alerts), list(records)
    try:
        alerts_before, records_before = mutation_inputs(base)
    except (LookupError, OSError, ValueError, TypeError):  # the base is laid out differently
        return list(alerts), list(records)
    return differing(alerts_before, alerts), differing(records_before, records)


def mutation_inputs(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the inputs of the mutations of every alert, and of every recording rule."""
    files = all_test_files(root / "tests" / "rules")
    return (
        {alert: _inputs(tests) for alert, tests in check.alerts(files).items()},
        {record: _inputs(tests, record) for record, tests in check.records(files).items()},
    )


def _inputs(tests: Iterable[RuleTests], record: str = "") -> str:
    """Return the text of test files, and the rules that they need.

    The mutations of a recording rule depend on the whole chain from its inputs to the alerts.
    """
    texts = [f"{file.text}\0{[(name(rule), rule) for rule in file.rules()]}" for file in tests]
    return "\0".join([record, *texts])


def _text(path: Path) -> str:
    """Return a file's text, or that of all Python files of a folder; nothing where it is not."""
    if path.is_dir():
        return "\0".join(f"{file.name}\0{file.read_text()}" for file in sorted(path.rglob("*.py")))
    return path.read_text() if path.exists() else ""


def _read_yaml(file: Path) -> Any:
    return _parse(file.read_text()) if file.exists() else None


@cache
def _parse(text: str) -> Any:
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
