"""What is asked, of whom."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.models import loki as loki_models
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

PROMETHEUS = DataSourceRef("prometheus", "prometheus")
LOKI = DataSourceRef("loki", "loki")
GRAFANA = DataSourceRef("grafana", "-- Grafana --")
# A panel is read, not searched: what is older is a click on the range away.
LINES = 200


@dataclass(frozen=True)
class Query:
    """A query, the name of its series, and whether only its last value counts.

    `exemplars` shows single requests over the line, each of which leads to its log lines.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    exemplars: bool = False
    of_loki: bool = False

    @property
    def source(self) -> DataSourceRef:
        """The data source that is asked."""
        return LOKI if self.of_loki else PROMETHEUS


def asked(expr: str, legend: str = "") -> Query:
    """Return a PromQL query over the time that is shown."""
    return Query(_tidy(expr), legend)


def now(expr: str, legend: str = "") -> Query:
    """Return a PromQL query for its last value."""
    return Query(_tidy(expr), legend, instant=True)


def traced(expr: str, legend: str = "") -> Query:
    """Return a PromQL query of a histogram, with exemplars."""
    return Query(_tidy(expr), legend, exemplars=True)


def logged(expr: str, legend: str = "") -> Query:
    """Return a LogQL query over the time that is shown."""
    return Query(_tidy(expr), legend, of_loki=True)


def logged_now(expr: str, legend: str = "") -> Query:
    """Return a LogQL query for its last value."""
    return Query(_tidy(expr), legend, instant=True, of_loki=True)


def _tidy(expr: str) -> str:
    """Return a query on one line, as it is written in a diff of the JSON."""
    return re.sub(r"\s+", " ", expr).strip()


def target(query: Query, ref: str, table: bool = False) -> prometheus.Dataquery | loki.Dataquery:
    """Return what Grafana asks; `ref` names it within its panel."""
    return _loki(query, ref) if query.of_loki else _prometheus(query, ref, table)


def _prometheus(query: Query, ref: str, table: bool) -> prometheus.Dataquery:
    made = (
        prometheus.Dataquery()
        .expr(query.expr)
        .ref_id(ref)
        .datasource(PROMETHEUS)
        .editor_mode(QueryEditorMode.CODE)
        .legend_format(query.legend or "__auto")
    )
    made = made.instant() if query.instant else made.range()
    if query.exemplars:
        made = made.exemplar(True)
    return made.format(PromQueryFormat.TABLE) if table else made


def _loki(query: Query, ref: str) -> loki.Dataquery:
    kind = loki_models.LokiQueryType.INSTANT if query.instant else loki_models.LokiQueryType.RANGE
    return (
        loki.Dataquery()
        .expr(query.expr)
        .ref_id(ref)
        .datasource(LOKI)
        .editor_mode(loki_models.QueryEditorMode.CODE)
        .legend_format(query.legend)
        .max_lines(LINES)
        .query_type(kind)
    )
