"""The rules and their test files, and the few rules that one of those needs."""

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
# The list of files in a test file, in either of YAML's ways to write a list.
RULE_FILES = re.compile(r"^rule_files:.*\n(?:[ \t]*(?:-|#).*\n)*", re.MULTILINE)
EXCUSED = re.compile(r"^\s*# excused: (.+)$", re.MULTILINE)

# What has a value without any series.
FROM_NOTHING = {"absent", "absent_over_time", "vector", "time"}

Rule = Mapping[str, Any]
# Groups as YAML reads them: name, interval, rules.
Groups = list[dict[str, Any]]


class AsWritten(yaml.SafeLoader):
    """Reads every value as text, as promtool does: `0x36` is 37 samples of 0, and not 54."""

    # Only what begins with `<` means something: it merges mappings.
    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # noqa: RUF012


@cache
def _parsed(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict[str, Any]:
    # Cached by the text: the same few files are read for every change of every rule.
    parsed: dict[str, Any] = yaml.load(text, loader)
    return parsed


def name(rule: Rule) -> str:
    """Return what an alert is called, or what a recording rule records."""
    return str(rule.get("alert") or rule["record"])


def reads(rule: Rule) -> set[str]:
    """Return every name in a rule's expression: metrics, and functions and labels too."""
    return {word.text for word in tokens(rule["expr"]) if word.kind == "name"}


@dataclass(frozen=True)
class RuleTests:
    """A promtool test file, which tests the alert of its name."""

    path: Path

    @property
    def text(self) -> str:
        """Return the file as it is written."""
        return self.path.read_text()

    @property
    def excuses(self) -> list[str]:
        """Return what follows `# excused: `, a line each."""
        return EXCUSED.findall(self.text)

    def parsed(self) -> dict[str, Any]:
        """Return the file as YAML reads it."""
        return _parsed(self.text, AsWritten)

    def groups(self) -> Groups:
        """Return all groups of the rule files that it lists."""
        listed = [self.path.parent / file for file in self.parsed()["rule_files"]]
        return [group for file in listed for group in _parsed(file.read_text())["groups"]]

    def rules(self) -> list[Rule]:
        """Return the tested alert and the recording rules that it reads, also through others.

        The others cannot change what the tests say, and to evaluate them takes time. Raises
        LookupError if the alert is in none of the files that are listed.
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
        """Return its test groups: those with alerts first, then as they are over.

        Only those that give a series to one of the changed rules: without, it records nothing. A
        group that is quiet throughout notices few changes. Raises LookupError where one has no
        name, for nobody could say which one failed.
        """
        groups = self.parsed()["tests"]
        if not all("name" in group for group in groups):
            raise LookupError(f"A test of {self.path.name} has no name; give it one.")
        return [group for group in sorted(groups, key=_costs) if self._feeds(group, changed)]

    def _feeds(self, group: Mapping[str, Any], changed: Sequence[Rule]) -> bool:
        read = {name for rule in changed for name in reads(rule)}
        if read & FROM_NOTHING:
            return True
        given = {tokens(each["series"])[0].text for each in group.get("input_series", [])}
        recorded = {rule.get("record") for rule in self.rules()}
        return bool(read & (given | recorded))

    def needed(self) -> Groups:
        """Return the groups with only what `rules` returns."""
        needed = self.rules()
        kept = [{**g, "rules": [r for r in g["rules"] if r in needed]} for g in self.groups()]
        return [group for group in kept if group["rules"]]

    def written(self, rules_file: str) -> str:
        """Return the file's text, with this one as its only file of rules."""
        return RULE_FILES.sub(f"rule_files: [{rules_file}]\n", self.text, count=1)


def _costs(group: Mapping[str, Any]) -> tuple[bool, int]:
    """Return whether it is quiet, and its milliseconds, for it costs all their evaluations."""
    checks = group["alert_rule_test"]
    quiet = not any(check.get("exp_alerts") for check in checks)
    return quiet, max(milliseconds(str(check["eval_time"])) for check in checks)


def every_file(folder: Path = HERE) -> list[RuleTests]:
    """Return every test file, by alert, and what is soon evaluated first of its files."""
    return [RuleTests(path) for path in sorted(folder.rglob("*.yml"), key=_by_alert)]


def _by_alert(path: Path) -> tuple[str, int, str]:
    # `hours` has few evaluations of short windows, `days` few of long ones.
    cost = {"hours": 0, "days": 2}.get(path.parent.name, 1)
    return path.stem, cost, str(path)
