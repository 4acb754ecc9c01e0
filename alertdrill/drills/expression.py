"""The expressions of alerts: their rule files, the comparisons in them, the runbooks' queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import promql_parser as promql
import yaml

from ..config import ROOT
from ..errors import AlertdrillError
from ..timescale.render import Language

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


def alert_names(*folders: Path) -> list[str]:
    """Return the name of every alert of some folders, in the order of their files."""
    groups = [group for folder in folders for group in rule_groups(folder)]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


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
    return alert in alert_names(LOKI_RULES)


def branches(language: Language, expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each branch of `or`; one list for an expression without `or`.

    The first one is on the left of `and`, `or` and `unless`, like the value that the alert shows.
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
        [Comparison(text(node.lhs), _operator(node), text(node.rhs)) for node in _comparisons(side)]
        for side in _branches(tree)
    ]


def runbook_queries(markdown: str) -> Sequence[tuple[Language, str]]:
    """Return (language, query) of every fenced block of a runbook, in order."""
    matches = FENCED_QUERY.finditer(markdown)
    return [(cast("Language", match[1]), match[2].strip()) for match in matches]


def children(node: Any) -> list[Any]:
    """Return the parts of a parsed expression, from left to right."""
    parts = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    return [part for part in (*parts, *getattr(node, "args", ())) if part is not None]


def _branches(node: promql.Expr) -> list[promql.Expr]:
    if isinstance(node, promql.ParenExpr):
        return _branches(node.expr)
    if isinstance(node, promql.BinaryExpr) and _operator(node) == "or":
        return _branches(node.lhs) + _branches(node.rhs)
    return [node]


def _comparisons(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    if isinstance(node, promql.BinaryExpr) and _operator(node) in COMPARISON_OPERATORS:
        yield node
    else:
        for child in children(node):
            yield from _comparisons(child)


def _operator(node: promql.BinaryExpr) -> str:
    return str(node.op).strip()
