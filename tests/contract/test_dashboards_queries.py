"""Every query of a dashboard is valid, and uses only metrics and labels that exist."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import promql_parser as promql
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from alertdrill_telemetry.metrics import Metrics
from alerting.responder.metrics import ResponderMetrics
from tests.contract.dashboards import Target, dashboards, filled, targets
from tests.contract.promql_labels import Labels, UnknownError, nodes
from tests.contract.test_metrics import SUFFIXES

if TYPE_CHECKING:
    from .conftest import Rule

TARGETS = targets()
OF_PROMETHEUS = [pytest.param(t, id=t.name) for t in TARGETS if not t.of_loki]
OF_LOKI = [pytest.param(t, id=t.name) for t in TARGETS if t.of_loki]
# Loki's labels; the rest are fields.
INDEXED = ("service", "instance", "level")
# Every field of the contract, of the load balancer, of an exception and of the responder.
FIELDS = {
    *INDEXED,
    *(("trace_id", "request_id", "logger", "frontend", "status", "client", "text")),
    *("exception_type", "exception_message"),
    *("code", "action_id", "drill_id"),
}
# The longest range of a query in a panel: an hour, as HostDiskFilling has. A longer range needs a
# recording rule.
MAX_RANGE = timedelta(hours=1)


@pytest.fixture(scope="module")
def exposed(root: Path) -> dict[str, list[str]]:
    document = yaml.safe_load((root / "tests/contract/exposed_metrics.yml").read_text())
    return {name: labels for part in document.values() for name, labels in part.items()}


@pytest.mark.parametrize("target", OF_PROMETHEUS)
def test_query_is_promql_of_known_series(target: Target, exposed: dict[str, list[str]]) -> None:
    labels = Labels(exposed).of(target.expr)
    if target.panel.fields.get("type"):  # an annotation shows the labels of an alert
        assert target.legend - labels == set()


@pytest.mark.parametrize("target", OF_PROMETHEUS)
def test_series_have_a_name(target: Target) -> None:
    if target.panel.fields.get("type") not in {None, "table"}:
        assert target.fields["legendFormat"] not in {"", "__auto"}


@pytest.mark.parametrize("target", OF_PROMETHEUS)
def test_query_reads_no_more_than_it_shows(target: Target) -> None:
    assert costly(target.expr) == []


def costly(expression: str) -> list[str]:
    """Return the parts of an expression that cost more than a panel may."""
    items = list(nodes(promql.parse(expression)))
    selectors = [node for node in items if isinstance(node, promql.VectorSelector)]
    return [
        *(f"{node.name} of no name" for node in selectors if not node.name),
        *("a subquery" for node in items if isinstance(node, promql.SubqueryExpr)),
        *(
            f"{node.range} of {node.vector_selector.name}"
            for node in items
            if isinstance(node, promql.MatrixSelector) and node.range > MAX_RANGE
        ),
        *(["nothing is summed up"] if not _summed(items) else []),
    ]


def _summed(items: list[object]) -> bool:
    """Return whether a query aggregates, or selects only recorded series or alerts."""
    return any(isinstance(node, promql.AggregateExpr) for node in items) or all(
        ":" in (node.name or "") or node.name == "ALERTS"
        for node in items
        if isinstance(node, promql.VectorSelector)
    )


@pytest.mark.parametrize(
    "expression",
    [
        '{job=~".+"}',
        "sum(rate(x_total[6h]))",
        "sum(max_over_time(sum(rate(x_total[5m]))[1h:1m]))",
        'rate(x_total{service=~".+"}[1m])',
    ],
)
def test_costly_queries_are_detected(expression: str) -> None:
    assert costly(expression) != []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("sum by (service) (nothing_total)", "no component exposes nothing_total"),
        ('up{sevice="web"}', "up has no label sevice"),
        ("sum by (sevice) (up)", "sum has no label sevice"),
        ("sum by (service) (up) / on (instance) up", "has no label instance"),
        ("up / ignoring (instanse) up", "has no label instanse"),
        ('label_replace(up, "a", "$1", "proxy", "(.+)")', "has no label proxy"),
    ],
)
def test_unknown_series_are_named(expression: str, message: str) -> None:
    with pytest.raises(UnknownError, match=message):
        Labels({"up": []}).of(expression)


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("up", {"service", "instance", "job"}),
        ("sum(up)", set()),
        ("topk(2, sum by (job) (up))", {"job"}),
        ("sum without (job) (up)", {"service", "instance"}),
        ("histogram_quantile(0.9, sum by (job, le) (rate(x_bucket[1m])))", {"job"}),
        ("1 - sum by (job) (up)", {"job"}),
        ("sum by (job) (up) or sum by (service) (up)", {"job", "service"}),
        ('label_replace(up, "a", "$1", "job", "(.+)")', {"a", "service", "instance", "job"}),
        ("up + ignoring (job) sum by (service) (up)", {"service", "instance", "job"}),
        ("vector(0)", set()),
    ],
)
def test_labels_are_derived(expression: str, labels: set[str]) -> None:
    assert Labels({"up": [], "x_bucket": ["le"]}).of(expression) == labels


def test_our_own_labels_are_the_codes(exposed: dict[str, list[str]]) -> None:
    metrics = Metrics(CollectorRegistry())
    ResponderMetrics(metrics, [])
    declared = {
        # Prometheus renames a label that the scrape adds too.
        f"{item._name}{suffix}": {
            "exported_service" if n == "service" else n for n in item._labelnames
        }
        for item in metrics.registry._collector_to_names
        if isinstance(item, MetricWrapperBase)
        for suffix in SUFFIXES.get(str(item._type), [""])
    }
    ours = {name: set(exposed[name]) - {"le"} for name in exposed.keys() & declared.keys()}
    assert len(ours) > 10
    assert ours == {name: declared[name] for name in ours}


def test_recorded_series_are_rules(exposed: dict[str, list[str]], rules: list[Rule]) -> None:
    recorded = {rule.record: rule.fields for rule in rules if rule.record}
    listed = {name: {"service", *labels} for name, labels in exposed.items() if ":" in name}
    labels = Labels({**exposed, **{name: [] for name in recorded.keys() - exposed.keys()}})
    labels_of_metrics = {
        name: labels.of(recorded[name]["expr"]) | recorded[name].get("labels", {}).keys()
        for name in listed.keys() & recorded.keys()
    }
    assert {
        name: names - {"instance", "job"} for name, names in labels_of_metrics.items()
    } == listed


def test_every_listed_metric_is_queried(exposed: dict[str, list[str]], rules: list[Rule]) -> None:
    # By a dashboard, or by the rule of a recorded series that a dashboard queries.
    recorded = [rule.fields["expr"] for rule in rules if rule.record in exposed]
    queries = " ".join([*(t.fields["expr"] for t in TARGETS), *recorded, str(variables())])
    assert {name for name in exposed if not re.search(rf"\b{re.escape(name)}\b", queries)} == set()


@pytest.mark.parametrize("target", OF_LOKI)
def test_log_query_selects_by_what_is_indexed(target: Target) -> None:
    for matchers in re.findall(r"\{([^}]*)\}", re.sub(r"\{\{.*?\}\}", "", target.expr)):
        names = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert names
        assert names <= set(INDEXED)


@pytest.mark.parametrize("target", OF_LOKI)
def test_log_query_uses_known_fields(target: Target) -> None:
    rest = re.sub(r"`[^`]*`|\"[^\"]*\"|\{[^}]*\}", "", target.expr)
    fields = set(re.findall(r"\|\s*(\w+)\s*(?:=|!=|>=|<)", rest))
    grouped = {name for names in re.findall(r"by \(([^)]*)\)", rest) for name in names.split(", ")}
    assert (fields | grouped | target.legend) - FIELDS == set()
    if grouped:
        assert target.legend <= grouped


def variables() -> dict[tuple[str, str], str]:
    """Return the query of each variable of each dashboard."""
    return {
        (uid, item["name"]): item.get("definition") or ""
        for uid, items in dashboards().items()
        for item in items["templating"]["list"]
    }


@pytest.mark.parametrize("uid", dashboards())
def test_query_uses_existing_variables(uid: str) -> None:
    existing = {name for dashboard, name in variables() if dashboard == uid}
    text = [target.fields["expr"] for target in TARGETS if target.panel.dashboard == uid]
    text += [query for (dashboard, _), query in variables().items() if dashboard == uid]
    used = {name for item in text for name in re.findall(r"\$\{?([a-z]\w*)", item)}
    assert used - existing == set()


@pytest.mark.parametrize("uid", dashboards())
def test_variables_are_used(uid: str) -> None:
    items = dashboards()[uid]
    text = str(items["panels"]) + str(items["templating"])
    existing = {name for dashboard, name in variables() if dashboard == uid}
    assert existing - set(re.findall(r"\$\{?([a-z]\w*)", text)) == set()


def test_variables_ask_for_known_series(exposed: dict[str, list[str]]) -> None:
    definitions = {item for item in variables().values() if item}
    assert definitions
    for item in definitions:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", item)
        assert match, item
        assert match[2] in Labels(exposed).of(filled(match[1]))


def test_no_service_is_written_into_a_dashboard() -> None:
    services = r'"(?:web|data-service|chat)"'
    assert [t.name for t in TARGETS if re.search(services, t.fields["expr"])] == []
