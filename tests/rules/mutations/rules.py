"""The rules, their test files, and the rules that each test file needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .tokens import tokens
from .values import milliseconds

HERE = Path(__file__).parent.parent
# The list of rule files in a test file, in either YAML syntax.
RULE_FILES = re.compile(r"^rule_files:.*\n(?:[ \t]*(?:-|#).*\n)*", re.MULTILINE)
EQUIVALENT = re.compile(r"^\s*# equivalent: (.+)$", re.MULTILINE)

# Functions that return a value without series.
FROM_NOTHING = {"absent", "absent_over_time", "vector", "time"}

Rule = Mapping[str, Any]
# Groups as YAML reads them: name, interval, rules.
Groups = list[dict[str, Any]]


class StringLoader(yaml.SafeLoader):
    """Load all values as strings, as promtool does: `0x36` is 37 samples of 0, not 54."""

    # Only `<<`, which merges mappings, keeps its meaning.
    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # noqa: RUF012


@cache
def _parsed(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict[str, Any]:
    # Cached by the text: the same few files are read for every change of every rule.
    parsed: dict[str, Any] = yaml.load(text, loader)
    return parsed


def name(rule: Rule) -> str:
    """Return the name of an alert or a recording rule."""
    return str(rule.get("alert") or rule["record"])


def reads(rule: Rule) -> set[str]:
    """Return all names in a rule's expression: metrics, functions and labels."""
    return {token.text for token in tokens(rule["expr"]) if token.kind == "name"}


@dataclass(frozen=True)
class RuleTests:
    """A promtool test file, which tests the alert of its name."""

    path: Path

    @property
    def text(self) -> str:
        """Return the text of the file."""
        return self.path.read_text()

    @property
    def equivalents(self) -> list[str]:
        """Return the texts after `# equivalent: `."""
        return EQUIVALENT.findall(self.text)

    def parsed(self) -> dict[str, Any]:
        """Return the parsed file."""
        return _parsed(self.text, StringLoader)

    def groups(self) -> Groups:
        """Return all groups of the rule files that it lists."""
        listed = [self.path.parent / file for file in self.parsed()["rule_files"]]
        return [group for file in listed for group in _parsed(file.read_text())["groups"]]

    def rules(self) -> list[Rule]:
        """Return the tested alert and the recording rules that it reads, also indirectly.

        Other rules do not affect the tests and cost time. Raises LookupError if no listed file has
        the alert.
        """
        every = [rule for group in self.groups() for rule in group["rules"]]
        alert = next((rule for rule in every if rule.get("alert") == self.path.stem), None)
        if alert is None:
            raise LookupError(f"{self.path.name} lists no rule file that has {self.path.stem}.")
        needed, wanted = [alert], reads(alert)
        while more := [r for r in every if r.get("record") in wanted and r not in needed]:
            needed += more
            wanted |= {read for rule in more for read in reads(rule)}
        return needed

    def cases(self, changed: Sequence[Rule]) -> list[dict[str, Any]]:
        """Return the test groups: those with alerts first, then by duration.

        Only those with input series of the changed rules: without, these record nothing. Groups
        without alerts detect few mutations. Raises LookupError for a group without a name, which a
        failure could not identify.
        """
        groups = self.parsed()["tests"]
        if not all("name" in group for group in groups):
            raise LookupError(f"A test of {self.path.name} has no name; give it one.")
        return [group for group in sorted(groups, key=_cost) if self._feeds(group, changed)]

    def _feeds(self, group: Mapping[str, Any], changed: Sequence[Rule]) -> bool:
        read = {name for rule in changed for name in reads(rule)}
        if read & FROM_NOTHING:
            return True
        inputs = {tokens(entry["series"])[0].text for entry in group.get("input_series", [])}
        recorded = {rule.get("record") for rule in self.rules()}
        return bool(read & (inputs | recorded))

    def needed(self) -> Groups:
        """Return the groups, reduced to the result of `rules`."""
        needed = self.rules()
        kept = [{**g, "rules": [r for r in g["rules"] if r in needed]} for g in self.groups()]
        return [group for group in kept if group["rules"]]

    def written(self, rules_file: str) -> str:
        """Return the file's text, with `rules_file` as its only rule file."""
        return RULE_FILES.sub(f"rule_files: [{rules_file}]\n", self.text, count=1)


def _cost(group: Mapping[str, Any]) -> tuple[bool, int]:
    """Return whether it has no alerts, and its duration in milliseconds."""
    checks = group["alert_rule_test"]
    quiet = not any(check.get("exp_alerts") for check in checks)
    return quiet, max(milliseconds(str(check["eval_time"])) for check in checks)


def all_test_files(folder: Path = HERE) -> list[RuleTests]:
    """Return all test files by alert, the fastest file of each alert first."""
    return [RuleTests(path) for path in sorted(folder.rglob("*.yml"), key=_by_alert)]


def _by_alert(path: Path) -> tuple[str, int, str]:
    # `hours` has few evaluations of short windows, `days` few of long ones.
    cost = {"hours": 0, "days": 2}.get(path.parent.name, 1)
    return path.stem, cost, str(path)
