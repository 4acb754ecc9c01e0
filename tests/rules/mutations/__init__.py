"""The mutation check: change one thing of a rule, and its tests must fail.

A test that passes whatever the rule says proves nothing. `python -m tests.rules.mutations` prints
what was tried; `# excused: <the change>: <reason>` in a test file excuses a change that no test
could see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .expression import changes
from .values import other_durations

__all__ = ["Mutation", "mutations", "numbered"]

Rule = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Mutation:
    """A rule with one change, and the change in words, which name it."""

    text: str
    rule: Rule


def mutations(rule: Rule) -> list[Mutation]:
    """Return a rule's mutations, in the order of its text; no two have the same name.

    `rule` is as YAML reads it. What is changed: numbers, comparisons, durations, label matchers.
    """
    return [Mutation(text, changed) for text, changed in numbered(_changed(rule))]


def numbered(changes: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Yield the changes under names that differ: the second of a name is `name (2)`."""
    seen: Counter[str] = Counter()
    for text, changed in changes:
        seen[text] += 1
        yield text if seen[text] == 1 else f"{text} ({seen[text]})", changed


def _changed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for text, expression in changes(rule["expr"]):
        yield text, {**rule, "expr": expression}
    for key in ("for", "keep_firing_for"):
        for new in other_durations(rule[key]) if key in rule else ():
            yield f"{key} {rule[key]} -> {new}", {**rule, key: new}
