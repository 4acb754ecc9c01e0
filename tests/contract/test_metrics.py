"""A program declares every metric that a rule or a runbook uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from alerting.responder.metrics import HealingMetrics, ResponderMetrics
from apps.telemetry.metrics import EXPORTER_METRICS, Metrics

if TYPE_CHECKING:
    from .conftest import Rule

# The metrics of third-party programs that we use.
OF_PROGRAMS = {
    "scrapes": {
        "ALERTS",
        "scrape_duration_seconds",
        "scrape_samples_post_metric_relabeling",
        "scrape_timeout_seconds",
        "up",
    },
    "prometheus": {
        "prometheus_config_last_reload_success_timestamp_seconds",
        "prometheus_config_last_reload_successful",
        "prometheus_notifications_errors_total",
        "prometheus_notifications_queue_length",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_rule_group_interval_seconds",
        "prometheus_rule_group_last_duration_seconds",
        "prometheus_sd_file_mtime_seconds",
        "prometheus_sd_file_read_errors_total",
        "prometheus_target_scrape_pools_failed_total",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
        "prometheus_tsdb_head_samples_appended_total",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_retention_limit_bytes",
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
    },
    "alertmanager": {
        "alertmanager_config_last_reload_success_timestamp_seconds",
        "alertmanager_config_last_reload_successful",
        "alertmanager_notification_requests_failed_total",
        "alertmanager_notification_requests_total",
        "alertmanager_notifications_failed_total",
    },
    "haproxy": {
        "haproxy_backend_active_servers",
        "haproxy_backend_current_queue",
        "haproxy_backend_http_responses_total",
        "haproxy_backend_queue_time_average_seconds",
        "haproxy_frontend_http_requests_total",
        "haproxy_server_check_status",
        "haproxy_server_limit_sessions",
        "haproxy_server_status",
    },
    "node exporter": {
        "node_cpu_seconds_total",
        "node_filesystem_avail_bytes",
        "node_filesystem_readonly",
        "node_filesystem_size_bytes",
        "node_load1",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemTotal_bytes",
        "node_time_seconds",
    },
    "collector": {
        "otelcol_exporter_queue_capacity",
        "otelcol_exporter_queue_size",
        "otelcol_exporter_sent_log_records_total",
        "otelcol_receiver_accepted_log_records_total",
    },
    "locust": {
        "locust_failures_total",
        "locust_requests_per_second",
        "locust_requests_total",
        "locust_response_time_seconds_bucket",
        "locust_response_time_seconds_count",
        "locust_response_time_seconds_sum",
        "locust_users",
    },
    "loki": {"loki_discarded_samples_total"},
    "blackbox exporter": {
        "probe_duration_seconds",
        "probe_http_status_code",
        "probe_success",
    },
}
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


def ours() -> set[str]:
    """Return every sample name that our programs declare."""
    metrics = Metrics(CollectorRegistry())
    ResponderMetrics(metrics, [])
    HealingMetrics(metrics)
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
    return ours().union(recorded, *OF_PROGRAMS.values())


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


def test_metrics_of_other_programs_are_not_declared_as_ours() -> None:
    assert ours().isdisjoint(set().union(*OF_PROGRAMS.values()))


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
