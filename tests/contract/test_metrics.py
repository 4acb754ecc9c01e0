"""A program declares every metric that a rule or a runbook uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client import CollectorRegistry

from alertdrill.control.app import declare_lost_lines
from alertdrill_telemetry.metrics import EXPORTER_METRICS, Metrics
from alerting.responder.metrics import ResponderMetrics

if TYPE_CHECKING:
    from .conftest import Rule

# The metrics of dashboards.
EXPOSED = yaml.safe_load(Path(__file__).with_name("exposed_metrics.yml").read_text())
# The parts of it that our own programs declare, and recorded or rare series.
OURS = {"services", "programs", "responder", "rules", "rarely"}
# Metrics of third-party programs that rules and runbooks use, and no dashboard.
NOT_ON_DASHBOARDS = {
    "alertmanager_config_last_reload_success_timestamp_seconds",
    "alertmanager_notifications_failed_total",
    "haproxy_backend_queue_time_average_seconds",
    "haproxy_frontend_http_responses_total",
    "haproxy_process_dropped_logs_total",
    "haproxy_server_check_status",
    "haproxy_server_connection_errors_total",
    "haproxy_server_http_responses_total",
    "haproxy_server_response_errors_total",
    "loki_discarded_samples_total",
    "node_filesystem_readonly",
    "otelcol_exporter_queue_capacity",
    "probe_duration_seconds",
    "probe_http_status_code",
    "prometheus_config_last_reload_success_timestamp_seconds",
    "prometheus_sd_file_mtime_seconds",
    "prometheus_sd_file_read_errors_total",
    "prometheus_target_scrape_pools_failed_total",
}
THIRD_PARTY = NOT_ON_DASHBOARDS.union(*(EXPOSED[part] for part in EXPOSED.keys() - OURS))
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
# Removed in this order; names and operators remain.
NOT_NAMES = [
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""",  # strings, which may hold anything
    r"#.*",  # comments
    r"\{[^}]*\}",  # label matchers
    r"\[[^]]*\]",  # ranges
    # Lists of labels; one may stand between an aggregation and its parenthesis.
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)",
    r"\b(?:offset\s+-?|@\s*)[\w.]+",  # other times than now
    r"\b(?:and|or|unless|bool|group_left|group_right|inf|nan)\b",  # words of the language
    r"\$\w+|\$\{\w+\}",  # a dashboard's variables
    r"[a-zA-Z_]\w*(?=\s*\()",  # functions
    r"(?<![\w:])[0-9][\w.]*",  # numbers and durations
]
NAME = re.compile(r"[a-zA-Z_:][\w:]*")


def metrics_in(query: str) -> set[str]:
    """Return the names of the metrics that a PromQL query selects by name."""
    named = re.findall(r'\b__name__\s*=\s*"([^"]+)"', query)
    for pattern in NOT_NAMES:
        query = re.sub(pattern, " ", query, flags=re.IGNORECASE)
    return {*named, *NAME.findall(query)}


class LogFiles:
    """A runtime whose supervisor writes the log files of one process."""

    def supervisor_answers(self) -> bool:
        return True

    def watch_supervisor(self) -> None:
        pass

    def lost_log_lines(self) -> dict[str, float]:
        return {"web-1": 0.0}


def ours() -> set[str]:
    """Return every sample name that our programs declare."""
    metrics = Metrics(CollectorRegistry())
    ResponderMetrics(metrics, [])
    declare_lost_lines(metrics, LogFiles())
    names = {
        f"{family.name}{suffix}"
        for family in metrics.registry.collect()
        for suffix in SUFFIXES.get(family.type, [""])
    }
    durations = [name for name in EXPORTER_METRICS if name.endswith("_seconds")]
    buckets = {f"{name}{suffix}" for name in durations for suffix in SUFFIXES["histogram"]}
    return names | buckets | set(EXPORTER_METRICS).difference(durations)


def fenced(markdown: str) -> list[str]:
    return re.findall(r"^```promql\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)


@pytest.fixture
def declared(rules: list[Rule]) -> set[str]:
    recorded = {rule.record for rule in rules if rule.record}
    return ours() | recorded | THIRD_PARTY


def test_metrics_of_rules_are_declared(rules: list[Rule], declared: set[str]) -> None:
    used = {name for rule in rules if not rule.of_loki for name in metrics_in(rule.fields["expr"])}
    assert "flask_http_request_total" in used
    assert used - declared == set()


def test_metrics_of_runbooks_are_declared(root: Path, declared: set[str]) -> None:
    runbooks = {file.stem: file.read_text() for file in (root / "alerting/runbooks").glob("*.md")}
    used = {
        (name, metric)
        for name, text in runbooks.items()
        for query in fenced(text)
        for metric in metrics_in(query)
    }
    assert ("InstanceDown", "up") in used
    assert {(name, metric) for name, metric in used if metric not in declared} == set()


@pytest.mark.parametrize("part", ["services", "responder"])
def test_metrics_of_dashboards_are_declared(part: str) -> None:
    assert EXPOSED[part].keys() - ours() == set()


def test_metrics_of_other_programs_are_not_declared_as_ours() -> None:
    assert ours().isdisjoint(THIRD_PARTY)


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ("vector(1)", set()),
        ('{__name__="up", job=~"a|b"}', {"up"}),
        ("up == 0", {"up"}),
        ('sum by (a, b) (rate(x_total{a="b", c=~"d{2}"}[5m] offset 1h)) > 0.5', {"x_total"}),
        ("sum(a) without (b) / on (c) group_left (d) e:f:rate5m", {"a", "e:f:rate5m"}),
        ("a and on () b unless c or d > bool 1e3 # not e", {"a", "b", "c", "d"}),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[$__rate_interval])))", {"x_bucket"}),
        ("max_over_time(a[1h:5m] @ end()) ^ Inf", {"a"}),
        ("label_replace(up, 'x', 'y z', '', '') * -a", {"up", "a"}),
    ],
)
def test_metric_names_are_extracted_from_queries(query: str, metrics: set[str]) -> None:
    assert metrics_in(query) == metrics
