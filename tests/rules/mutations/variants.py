"""Rules that differ in one thing each, side by side in one file, and the test that sees them all.

One promtool evaluates what they have in common once, which is most of the work. A variant is the
changed rule and every rule that reads it, under their names with `_v` and its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .rules import Groups, Rule, name, reads
from .tokens import tokens


@dataclass(frozen=True)
class Variant:
    """A change, and the names of all rules that may say something else because of it."""

    number: int
    original: Rule
    changed: Rule
    names: frozenset[str]

    def own(self, text: str) -> str:
        """Return what the variant calls this rule or series."""
        return f"{text}_v{self.number}" if text in self.names else text

    def copy(self, rule: Rule) -> Rule:
        """Return the variant's version of a rule, under the variant's names."""
        rule = self.changed if rule == self.original else rule
        key = "alert" if "alert" in rule else "record"
        return {**rule, key: self.own(rule[key]), "expr": self._renamed(rule["expr"])}

    def series(self, series: str) -> str:
        """Return a series, as the tests give it, under the variant's name."""
        metric = tokens(series)[0].text
        return series.replace(metric, self.own(metric), 1)

    def _renamed(self, expression: str) -> str:
        for word in reversed(tokens(expression)):
            if word.kind == "name" and not word.inside:
                rest = expression[word.end :]
                expression = expression[: word.start] + self.own(word.text) + rest
        return expression


def variant(number: int, needed: Sequence[Rule], original: Rule, changed: Rule) -> Variant:
    """Return the variant in which one of the needed rules is changed."""
    names = {name(original)}
    while more := {name(rule) for rule in needed if reads(rule) & names} - names:
        names |= more
    return Variant(number, original, changed, frozenset(names))


def side_by_side(groups: Groups, variants: Sequence[Variant]) -> Groups:
    """Return the groups with the rules as they are, and after each the variants' own."""

    def rules(group: Mapping[str, Any]) -> Iterator[Rule]:
        for rule in group["rules"]:
            yield rule
            yield from (each.copy(rule) for each in variants if name(rule) in each.names)

    return [{**group, "rules": list(rules(group))} for group in groups]


def seen_by(case: Mapping[str, Any], variants: Sequence[Variant]) -> dict[str, Any]:
    """Return a test group that expects of every variant what it does of the rules as they are."""
    given = {each["series"]: each for each in case.get("input_series", [])}
    for series, each in list(given.items()):
        # Where a test gives what a rule would record, the variants are given it too.
        given |= {own: {**each, "series": own} for own in (v.series(series) for v in variants)}
    checks = [
        {**check, "alertname": own}
        for check in case["alert_rule_test"]
        for own in (check["alertname"], *(v.own(check["alertname"]) for v in variants))
    ]
    return {**case, "input_series": list(given.values()), "alert_rule_test": checks}
