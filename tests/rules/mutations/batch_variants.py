"""Combine several variants of rules in one file, and their tests in one test.

promtool then evaluates the unchanged rules only once, which saves most of the time. A variant is
the changed rule and all rules that read it, with `_v` and its number appended to their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .rules import Groups, Rule, name, reads
from .tokens import tokens


@dataclass(frozen=True)
class Variant:
    """A change, and the names of all rules that it affects."""

    number: int
    original: Rule
    changed: Rule
    names: frozenset[str]

    def rename(self, text: str) -> str:
        """Return the variant's name of a rule or series."""
        return f"{text}_v{self.number}" if text in self.names else text

    def copy(self, rule: Rule) -> Rule:
        """Return the variant's version of a rule, under the variant's names."""
        rule = self.changed if rule == self.original else rule
        key = "alert" if "alert" in rule else "record"
        return {**rule, key: self.rename(rule[key]), "expr": self._renamed(rule["expr"])}

    def series(self, series: str) -> str:
        """Return an input series with the variant's name."""
        metric = tokens(series)[0].text
        return series.replace(metric, self.rename(metric), 1)

    def _renamed(self, expression: str) -> str:
        for token in reversed(tokens(expression)):
            if token.kind == "name" and not token.inside:
                rest = expression[token.end :]
                expression = expression[: token.start] + self.rename(token.text) + rest
        return expression


def variant(number: int, needed: Sequence[Rule], original: Rule, changed: Rule) -> Variant:
    """Return the variant in which one of the needed rules is changed."""
    names = {name(original)}
    while more := {name(rule) for rule in needed if reads(rule) & names} - names:
        names |= more
    return Variant(number, original, changed, frozenset(names))


def combined_rules(groups: Groups, variants: Sequence[Variant]) -> Groups:
    """Return the groups with each rule followed by its variants."""

    def rules(group: Mapping[str, Any]) -> Iterator[Rule]:
        for rule in group["rules"]:
            yield rule
            yield from (variant.copy(rule) for variant in variants if name(rule) in variant.names)

    return [{**group, "rules": list(rules(group))} for group in groups]


def combined_test(case: Mapping[str, Any], variants: Sequence[Variant]) -> dict[str, Any]:
    """Return a test group that expects the same from all variants as from the rules."""
    inputs = {entry["series"]: entry for entry in case.get("input_series", [])}
    for series, entry in list(inputs.items()):
        # If a test has the input series of a recording rule, its variants get the series too.
        inputs |= {
            rename: {**entry, "series": rename} for rename in (v.series(series) for v in variants)
        }
    checks = [
        {**check, "alertname": rename}
        for check in case["alert_rule_test"]
        for rename in (check["alertname"], *(v.rename(check["alertname"]) for v in variants))
    ]
    return {**case, "input_series": list(inputs.values()), "alert_rule_test": checks}
