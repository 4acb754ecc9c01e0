"""Derives the labels of a PromQL expression's series from those of its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import promql_parser as promql

# Prometheus adds these labels to every series that it scrapes.
SCRAPED = frozenset({"service", "instance", "job"})
BY = promql.AggModifierType.By
IGNORING = promql.LabelModifierType.Exclude
# Aggregations that keep the labels of the series that they select.
SELECTING = {"topk", "bottomk", "limitk"}


class UnknownError(AssertionError):
    """A query names a metric or a label that no component exposes."""


class Labels:
    """Derives labels from `exposed`: the labels of each metric besides those of the scrape."""

    def __init__(self, exposed: Mapping[str, list[str]]) -> None:
        self._exposed = exposed

    def of(self, expression: str) -> frozenset[str]:
        """Return the labels of an expression's series; raise `UnknownError` for unknown ones."""
        return self._of(promql.parse(expression))

    def _of(self, node: object) -> frozenset[str]:
        match node:
            case promql.VectorSelector():
                return self._selected(node)
            case promql.MatrixSelector():
                return self._selected(node.vector_selector)
            case promql.Call():
                return self._called(node)
            case promql.AggregateExpr():
                return self._aggregated(node)
            case promql.BinaryExpr():
                return self._joined(node)
        # An expression in parentheses, with a sign, or a subquery; a number has no labels.
        return self._of(node.expr) if hasattr(node, "expr") else frozenset()

    def _selected(self, node: promql.VectorSelector) -> frozenset[str]:
        name = node.name or next(m.value for m in node.matchers.matchers if m.name == "__name__")
        if name not in self._exposed:
            raise UnknownError(f"no component exposes {name}")
        labels = SCRAPED.union(self._exposed[name])
        self._require((matcher.name for matcher in node.matchers.matchers), labels, name)
        return labels

    def _called(self, node: promql.Call) -> frozenset[str]:
        inner = frozenset[str]().union(*(self._of(argument) for argument in node.args))
        if node.func.name == "label_replace":
            self._require([node.args[3].val], inner, "label_replace")
            return inner | {node.args[1].val}
        return inner - {"le"} if node.func.name == "histogram_quantile" else inner

    def _aggregated(self, node: promql.AggregateExpr) -> frozenset[str]:
        inner, modifier = self._of(node.expr), node.modifier
        if modifier is None:
            return inner if str(node.op) in SELECTING else frozenset()
        self._require(modifier.labels, inner, str(node.op))
        chosen = frozenset(modifier.labels)
        return chosen if modifier.type == BY else inner - chosen

    def _joined(self, node: promql.BinaryExpr) -> frozenset[str]:
        left, right = self._of(node.lhs), self._of(node.rhs)
        if node.modifier and node.modifier.matching:
            matching = node.modifier.matching
            # One side alone may have a label that is ignored.
            sides = (left | right,) if matching.type == IGNORING else (left, right)
            for side in sides:
                self._require(matching.labels, side, str(node.op))
        return left | right if str(node.op) == "or" else left or right

    @staticmethod
    def _require(names: Iterator[str] | list[str], labels: frozenset[str], where: str) -> None:
        unknown = sorted(set(names) - labels - {"__name__"})
        if unknown:
            raise UnknownError(f"{where} has no label {', '.join(unknown)}")


def nodes(node: object) -> Iterator[object]:
    """Yield an expression and all of its parts."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        inner = getattr(node, name, None)
        if inner is not None:
            yield from nodes(inner)
    for argument in getattr(node, "args", None) or []:
        yield from nodes(argument)
