"""Queries of Prometheus and Loki."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.models import loki as loki_models
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

PROMETHEUS = DataSourceRef("prometheus", "prometheus")
LOKI = DataSourceRef("loki", "loki")
# Enough to read in a panel. Older lines are in a different time range.
LINES = 200
GROUPING = re.compile(r"\w+ by \(([\w, ]+)\)")


@dataclass(frozen=True)
class Query:
    """A query and the legend of its series; `instant` returns only the last value.

    Without a legend, a series has the values of the labels by which the query groups first.
    `exemplars` shows single requests, each of which links to its log lines.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    exemplars: bool = False
    is_logql: bool = False

    @property
    def series_name(self) -> str:
        """The legend, such as `{{service}} {{status}}`; empty if the query does not group."""
        grouping = GROUPING.match(self.expr)
        labels = grouping[1].split(", ") if grouping else []
        return self.legend or " ".join(f"{{{{{label}}}}}" for label in labels)

    @property
    def source(self) -> DataSourceRef:
        """The data source of the query."""
        return LOKI if self.is_logql else PROMETHEUS


def range_query(expr: str, legend: str = "") -> Query:
    """Return a PromQL query over the dashboard's time range."""
    return Query(_one_line(expr), legend)


def instant_query(expr: str, legend: str = "") -> Query:
    """Return a PromQL query of the last value."""
    return Query(_one_line(expr), legend, instant=True)


def exemplar_query(expr: str, legend: str = "") -> Query:
    """Return a PromQL query of a histogram, with exemplars."""
    return Query(_one_line(expr), legend, exemplars=True)


def log_query(expr: str, legend: str = "") -> Query:
    """Return a LogQL query over the dashboard's time range."""
    return Query(_one_line(expr), legend, is_logql=True)


def instant_log_query(expr: str, legend: str = "") -> Query:
    """Return a LogQL query of the last value."""
    return Query(_one_line(expr), legend, instant=True, is_logql=True)


def _one_line(expr: str) -> str:
    """Return a query on one line, for readable diffs of the JSON."""
    return re.sub(r"\s+", " ", expr).strip()


def target(query: Query, ref: str, table: bool = False) -> prometheus.Dataquery | loki.Dataquery:
    """Return the query as the SDK's builder; `ref` identifies it in its panel."""
    return _loki(query, ref, table) if query.is_logql else _prometheus(query, ref, table)


def _prometheus(query: Query, ref: str, table: bool) -> prometheus.Dataquery:
    dataquery = (
        prometheus.Dataquery()
        .expr(query.expr)
        .ref_id(ref)
        .datasource(PROMETHEUS)
        .editor_mode(QueryEditorMode.CODE)
        .legend_format("__auto" if table else query.series_name or "__auto")
    )
    dataquery = dataquery.instant() if query.instant else dataquery.range()
    if query.exemplars:
        dataquery = dataquery.exemplar(True)
    return dataquery.format(PromQueryFormat.TABLE) if table else dataquery


def _loki(query: Query, ref: str, table: bool) -> loki.Dataquery:
    kind = loki_models.LokiQueryType.INSTANT if query.instant else loki_models.LokiQueryType.RANGE
    return (
        loki.Dataquery()
        .expr(query.expr)
        .ref_id(ref)
        .datasource(LOKI)
        .editor_mode(loki_models.QueryEditorMode.CODE)
        .legend_format("" if table else query.series_name)
        .max_lines(LINES)
        .query_type(kind)
    )
