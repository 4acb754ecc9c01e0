"""The expressions of alerts: their rule files, the comparisons in them, the runbooks' queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import promql_parser as promql
import yaml

from ..config import ROOT
from ..errors import AlertdrillError

Language = Literal["promql", "logql"]
RULES = ("prometheus/rules", "loki/rules")
PROMETHEUS_RULES, LOKI_RULES = (ROOT / folder for folder in RULES)
COMPARISON_OPERATORS = (">", ">=", "<", "<=", "==", "!=")
FENCED_QUERY = re.compile(r"^```(promql|logql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A token of LogQL. Strings may contain operators. Longer operators come first, so that `>=` is not
# `>` and `=`.
TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<open>[({[])|(?P<close>[)}\]])"""
    r"|(?P<operator>>=|<=|==|!=|[><+\-*/%^]|\b(?:and|or|unless)\b)"
)
# The modifiers after an operator of LogQL.
MODIFIER = re.compile(r"^(?:bool|(?:on|ignoring|group_left|group_right)\s*\([^)]*\)|\s)*")


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
    names: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        except (yaml.YAMLError, OSError, KeyError, TypeError) as error:
            raise AlertdrillError(f"{file}: cannot read the rules: {error}.") from error
        names += [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    return names


def is_log_alert(alert: str) -> bool:
    """Return whether Loki evaluates the rule of an alert."""
    return alert in alert_names_in(LOKI_RULES)


def branches(language: Language, expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each branch of `or`; one list for an expression without `or`."""
    if language == "logql":
        return [list(_logql_comparisons(branch)) for branch in _logql_branches(expression)]
    return [
        [
            Comparison(_on_one_line(node.lhs), _operator(node), _on_one_line(node.rhs))
            for node in _promql_comparisons(branch)
        ]
        for branch in _promql_branches(promql.parse(expression))
    ]


def first_comparison(branches: Sequence[Sequence[Comparison]]) -> Comparison | None:
    """Return the first comparison of the branches, or None.

    It is on the left of `and`, `or` and `unless`, like the value that the alert shows.
    """
    return next((comparison for branch in branches for comparison in branch), None)


def runbook_queries(markdown: str) -> Sequence[tuple[str, str]]:
    """Return (language, query) of every fenced block of a runbook, in order."""
    return [(match[1], match[2].strip()) for match in FENCED_QUERY.finditer(markdown)]


# PromQL, by its parser


def _promql_branches(node: promql.Expr) -> Iterator[promql.Expr]:
    if isinstance(node, promql.ParenExpr):
        yield from _promql_branches(node.expr)
    elif isinstance(node, promql.BinaryExpr) and _operator(node) == "or":
        yield from _promql_branches(node.lhs)
        yield from _promql_branches(node.rhs)
    else:
        yield node


def _promql_comparisons(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    if isinstance(node, promql.ParenExpr | promql.AggregateExpr):
        yield from _promql_comparisons(node.expr)
    elif isinstance(node, promql.BinaryExpr):
        if _operator(node) in COMPARISON_OPERATORS:
            yield node
        else:
            yield from _promql_comparisons(node.lhs)
            yield from _promql_comparisons(node.rhs)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _promql_comparisons(argument)


def _operator(node: promql.BinaryExpr) -> str:
    return str(node.op).strip()


def _on_one_line(node: promql.Expr) -> str:
    # The parser breaks long lines. No string in the rules contains several spaces.
    return " ".join(node.prettify().split())


# LogQL, as Loki's ruler writes it: each operation is in parentheses


def _logql_branches(expression: str) -> Iterator[str]:
    left, operator, right = _split(expression)
    if operator == "or":
        yield from _logql_branches(left)
        yield from _logql_branches(right)
    else:
        yield expression


def _logql_comparisons(expression: str) -> Iterator[Comparison]:
    left, operator, right = _split(expression)
    if operator in COMPARISON_OPERATORS:
        yield Comparison(_strip_parentheses(left), operator, _strip_parentheses(right))
    elif operator:
        yield from _logql_comparisons(left)
        yield from _logql_comparisons(right)


def _split(expression: str) -> tuple[str, str, str]:
    """Return the sides and the operator of the outermost operation; no operator for a function."""
    bare, depth = _strip_parentheses(expression), 0
    for token in TOKEN.finditer(bare):
        depth += bool(token["open"]) - bool(token["close"])
        if token["operator"] and depth == 0 and token.start():
            return bare[: token.start()].strip(), token[0], MODIFIER.sub("", bare[token.end() :])
    return bare, "", ""


def _strip_parentheses(expression: str) -> str:
    """Remove the parentheses around the whole expression."""
    text = expression.strip()
    while text.startswith("(") and _closing_index(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing_index(text: str) -> int:
    """Return the index where the first parenthesis closes."""
    depth = 0
    for token in TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if token["close"] and depth == 0:
            return token.start()
    return -1
