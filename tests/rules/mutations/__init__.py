"""The mutation check: when one thing of a rule is changed, its tests must fail.

`python -m tests.rules.mutations` prints the results. `# equivalent: <mutation>: <reason>` in a test
file lists a mutation that no test can detect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .expression import changes
from .values import neighbouring_durations

__all__ = ["Mutation", "mutations", "numbered"]

Rule = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Mutation:
    """A changed rule, and the description of the change, which is its name."""

    text: str
    rule: Rule


def mutations(rule: Rule) -> list[Mutation]:
    """Return the mutations of a rule in the order of its text, with unique names.

    They change numbers, comparisons, durations and label matchers. `rule` is parsed YAML.
    """
    return [Mutation(text, changed) for text, changed in numbered(_changed(rule))]


def numbered(changes: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Yield the changes with unique names: the second of a name is `name (2)`."""
    seen: Counter[str] = Counter()
    for text, changed in changes:
        seen[text] += 1
        yield text if seen[text] == 1 else f"{text} ({seen[text]})", changed


def _changed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for text, expression in changes(rule["expr"]):
        yield text, {**rule, "expr": expression}
    for key in ("for", "keep_firing_for"):
        for new in neighbouring_durations(rule[key]) if key in rule else ():
            yield f"{key} {rule[key]} -> {new}", {**rule, key: new}
