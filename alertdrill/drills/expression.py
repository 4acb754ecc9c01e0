"""The expressions of alerts: their rule files, the comparisons in them, the runbooks' queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import promql_parser as promql
import yaml

from ..config import ROOT
from ..errors import AlertdrillError

Language = Literal["promql", "logql"]
RULES = ("prometheus/rules", "loki/rules")
PROMETHEUS_RULES, LOKI_RULES = (ROOT / folder for folder in RULES)
COMPARISON_OPERATORS = (">", ">=", "<", "<=", "==", "!=")
FENCED_QUERY = re.compile(r"^```(promql|logql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A function of a range of log lines, which PromQL lacks. Strings may contain anything.
LOG_RANGE = re.compile(
    r"""\w+\s*\(\s*(?:[\d.]+\s*,\s*)?\{(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`[])*\[\w+\]"""
    r"""(?:\s*offset\s+\w+)?\s*\)(?:\s*(?:by|without)\s*\([^)]*\))?"""
)
PLACEHOLDER = re.compile(r"\blog_range_(\d+)\b")


@dataclass(frozen=True)
class Comparison:
    """A comparison: its two sides and its operator, such as `>`."""

    left: str
    operator: str
    right: str


def alert_names(root: Path = ROOT) -> list[str]:
    """Return the name of every alert of a repository."""
    return [name for folder in RULES for name in alert_names_in(root / folder)]


def alert_names_in(folder: Path) -> list[str]:
    """Return the name of every alert of a folder, in the order of its files."""
    rules = [rule for group in rule_groups(folder) for rule in group["rules"]]
    return [rule["alert"] for rule in rules if "alert" in rule]


@cache
def rule_groups(folder: Path) -> list[dict[str, Any]]:
    """Return every group of rules of a folder, in the order of its files."""
    groups: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            groups += yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        except (yaml.YAMLError, OSError, KeyError, TypeError) as error:
            raise AlertdrillError(f"{file}: cannot read the rules: {error}.") from error
    return groups


def is_log_alert(alert: str) -> bool:
    """Return whether Loki evaluates the rule of an alert."""
    return alert in alert_names_in(LOKI_RULES)


def branches(language: Language, expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each branch of `or`; one list for an expression without `or`.

    Around its ranges of log lines, LogQL has the grammar of PromQL. An expression that is beyond
    it counts as one without comparisons.
    """
    ranges: list[str] = []

    def hide(match: re.Match[str]) -> str:
        ranges.append(match[0])
        return f"log_range_{len(ranges) - 1}"

    def text(node: promql.Expr) -> str:
        while isinstance(node, promql.ParenExpr):
            node = node.expr
        # The parser breaks long lines. No string in the rules contains several spaces.
        line = " ".join(node.prettify().split())
        return PLACEHOLDER.sub(lambda match: ranges[int(match[1])], line)

    try:
        tree = promql.parse(LOG_RANGE.sub(hide, expression) if language == "logql" else expression)
    except ValueError:
        return []
    return [
        [
            Comparison(text(node.lhs), _operator(node), text(node.rhs))
            for node in _comparisons(branch)
        ]
        for branch in _branches(tree)
    ]


def first_comparison(branches: Sequence[Sequence[Comparison]]) -> Comparison | None:
    """Return the first comparison of the branches, or None.

    It is on the left of `and`, `or` and `unless`, like the value that the alert shows.
    """
    return next((comparison for branch in branches for comparison in branch), None)


def runbook_queries(markdown: str) -> Sequence[tuple[str, str]]:
    """Return (language, query) of every fenced block of a runbook, in order."""
    return [(match[1], match[2].strip()) for match in FENCED_QUERY.finditer(markdown)]


def _branches(node: promql.Expr) -> Iterator[promql.Expr]:
    if isinstance(node, promql.ParenExpr):
        yield from _branches(node.expr)
    elif isinstance(node, promql.BinaryExpr) and _operator(node) == "or":
        yield from _branches(node.lhs)
        yield from _branches(node.rhs)
    else:
        yield node


def _comparisons(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    if isinstance(node, promql.ParenExpr | promql.AggregateExpr):
        yield from _comparisons(node.expr)
    elif isinstance(node, promql.BinaryExpr):
        if _operator(node) in COMPARISON_OPERATORS:
            yield node
        else:
            yield from _comparisons(node.lhs)
            yield from _comparisons(node.rhs)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _comparisons(argument)


def _operator(node: promql.BinaryExpr) -> str:
    return str(node.op).strip()
