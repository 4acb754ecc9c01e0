"""The dashboard that shows the state of the monitoring itself."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import value_texts
from ..dashboard_builder import DashboardSpec, Section
from ..panels import Gauges, Series, StateTimeline, Stats, Table
from ..queries import instant_query, range_query
from ..rules import Limit
from ..sli import RATE

STORE = " + ".join(
    f"prometheus_tsdb_{part}_bytes"
    for part in ("storage_blocks", "wal_storage_size", "head_chunks_storage_size")
)
FAILED = "alertmanager_notification_requests_failed_total"
TRIED = "alertmanager_notification_requests_total"
COMPONENTS = Section(
    "Is every component up?",
    StateTimeline(
        "Which components answer scrapes?",
        "Alertmanager or the responder down: no notification arrives. Loki or the collector down:"
        " log lines wait on disk.",
        [
            range_query('max by (instance) (up{job="stack"})'),
            range_query('max by (instance) (up{service="responder"})'),
        ],
        alerts=[
            "InstanceDown",
            "AlertmanagerDown",
            "ResponderDown",
            "ControlDown",
            "LogPipelineDown",
        ],
        value_texts=value_texts.UP,
    ),
    Table(
        "How many targets are configured, and how many are up?",
        "A service that had targets and has no target any more is missing from a target list:"
        " compare with what runs.",
        [
            instant_query("count by (job, service) (up)"),
            instant_query("sum by (job, service) (up)"),
        ],
        alerts=["TargetMissing", "InstanceDown"],
        columns={"job": "Job", "service": "Service", "Value #A": "Configured", "Value #B": "Up"},
        size=(8, 9),
    ),
    Stats(
        "Was every configuration loaded?",
        "Rejected: the component runs with its previous configuration. Its log has the wrong line.",
        [
            instant_query("min(prometheus_config_last_reload_successful)", "Prometheus"),
            instant_query("min(alertmanager_config_last_reload_successful)", "Alertmanager"),
            instant_query("min(loki_runtime_config_last_reload_successful)", "Loki"),
        ],
        alerts=["ConfigReloadFailed"],
        value_texts=value_texts.RELOADED,
        size=(4, 9),
    ),
    size=(12, 9),
)
SCRAPES = Section(
    "Is everything scraped?",
    Series(
        "How much of its timeout does a scrape take?",
        "Above the line a little more load makes scrapes fail: the instance is busy, or has too"
        " many series.",
        range_query(
            'max by (instance) (avg_over_time(scrape_duration_seconds{job!="load"}[1m])'
            " / scrape_timeout_seconds)"
        ),
        alerts=[Limit("ScrapeSlow"), "CardinalityHigh"],
        unit=units.PercentUnit,
    ),
    Series(
        "How many series and samples are there?",
        "A growing number of series comes from a label with unbounded values. CardinalityHigh"
        " names the instance.",
        [
            range_query("max(prometheus_tsdb_head_series)", "series"),
            range_query(
                f"sum(rate(prometheus_tsdb_head_samples_appended_total{RATE}))", "samples/s"
            ),
        ],
        alerts=["CardinalityHigh", "PrometheusStorageFilling"],
    ),
    Series(
        "How full is Prometheus's storage?",
        "Above the line the oldest samples will soon be deleted early: raise"
        " PROMETHEUS_RETENTION_SIZE, or reduce the number of series.",
        range_query(f"max by (instance) (({STORE}) / (prometheus_tsdb_retention_limit_bytes > 0))"),
        alerts=[Limit("PrometheusStorageFilling")],
        unit=units.PercentUnit,
    ),
)
RULES = Section(
    "Is every rule evaluated?",
    Series(
        "How many evaluations fail?",
        "A rule that fails cannot fire its alert. Prometheus's page /rules has the error.",
        range_query(
            f"sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total{RATE}))"
        ),
        alerts=[Limit("RuleEvaluationFailing")],
    ),
    Series(
        "How much of its interval does a group take?",
        "Near 100 %, evaluations are skipped and alerts are late: find the group and its query"
        " that reads too much.",
        range_query(
            "max by (rule_group) (prometheus_rule_group_last_duration_seconds"
            " / prometheus_rule_group_interval_seconds)"
        ),
        alerts=["RuleEvaluationFailing"],
        unit=units.PercentUnit,
    ),
    Series(
        "How many evaluations were skipped?",
        "Above zero: a group takes longer than its interval, or the host is too busy.",
        range_query(
            f"sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total{RATE}))"
        ),
        alerts=["RuleEvaluationFailing", "HostCpuHigh"],
    ),
)
ALERTS = Section(
    "Are alerts delivered?",
    Series(
        "What share of the notifications fails?",
        "Above the line no notification is delivered: check whether the responder runs and"
        " answers.",
        range_query(
            f'sum by (integration) (rate({FAILED}{{integration="webhook"}}[2m]))'
            f' / sum by (integration) (rate({TRIED}{{integration="webhook"}}[2m]))'
        ),
        alerts=[Limit("NotificationsFailing"), "ResponderDown"],
        unit=units.PercentUnit,
    ),
    Series(
        "How many alerts does Alertmanager have?",
        "Suppressed alerts are silenced, or inhibited by another alert, and are not notified."
        " Alertmanager shows the reason.",
        [
            range_query("sum by (state) (alertmanager_alerts)"),
            range_query('sum(alertmanager_silences{state="active"})', "silences"),
        ],
        alerts=["AlertmanagerDown", "Watchdog"],
    ),
    Series(
        "Does Prometheus deliver its alerts to Alertmanager?",
        "Queued or failed ones: Alertmanager is down or slow. They are sent again.",
        [
            range_query("max(prometheus_notifications_queue_length)", "queued"),
            range_query(f"sum(increase(prometheus_notifications_errors_total{RATE}))", "failed"),
        ],
        alerts=["AlertmanagerDown"],
    ),
    Series(
        "How long ago did Watchdog arrive?",
        "It arrives each minute. After three minutes without it the responder reports that the"
        " pipeline is broken.",
        range_query("time() - max(responder_watchdog_last_seen_timestamp_seconds)", "Watchdog"),
        alerts=["Watchdog", "NotificationsFailing"],
        unit=units.Seconds,
    ),
    Series(
        "What are the results of the webhooks?",
        "Failed: the responder's disk is full or slow, and Alertmanager retries. Malformed:"
        " another client posts there. Too large: annotations are too long; the alerts are adopted.",
        range_query(f"sum by (outcome) (rate(responder_webhooks_total{RATE}))"),
        alerts=["ResponderDown", "NotificationsFailing"],
        unit=units.OpsPerSecond,
    ),
    Gauges(
        "Which alerts were notified most often?",
        "An alert that is notified again and again is a fault that is not being fixed, or a wrong"
        " threshold.",
        instant_query(
            "topk(10, round(sum by (alert) (increase(responder_notifications_total"
            '{status="firing"}[$__range]))))',
            "{{alert}}",
        ),
        alerts=["Watchdog"],
    ),
)
LOGS = Section(
    "Are log lines delivered and stored?",
    Series(
        "How many bytes wait for Loki?",
        "Above the line Loki is down or slow. The lines wait on disk, up to the capacity of the"
        " queue.",
        range_query("max by (instance) (otelcol_exporter_queue_size)"),
        alerts=[Limit("LogPipelineLagging"), "LogPipelineDown"],
        unit=units.BytesIEC,
    ),
    Series(
        "Are as many lines stored as read?",
        "Read and not stored: they wait in the queue. Read and rejected: see Loki's discarded"
        " lines beside.",
        [
            range_query(f"sum(rate(otelcol_receiver_accepted_log_records_total{RATE}))", "read"),
            range_query(f"sum(rate(otelcol_exporter_sent_log_records_total{RATE}))", "stored"),
        ],
        alerts=["LogPipelineLagging", "LogsMissing"],
        unit=units.OpsPerSecond,
    ),
    Series(
        "How many lines does Loki reject?",
        "Each rejected line is lost, except for rate_limited, which is retried."
        " docs/explanation/logs.md explains the reasons.",
        range_query(f"sum by (reason) (rate(loki_discarded_samples_total{RATE}))"),
        alerts=["LogPipelineLagging", "LogsMissing"],
        unit=units.OpsPerSecond,
    ),
    Series(
        "How fast does Loki answer?",
        "Slow pushes: its disk is slow, and lines start to wait. Slow queries: a search over a"
        " long time.",
        range_query(
            "histogram_quantile(0.95, sum by (route, le) (rate("
            f'loki_request_duration_seconds_bucket{{route=~"otlp.*|loki_api_v1_.*"}}{RATE})))',
            "{{route}}",
        ),
        alerts=["LogPipelineLagging"],
        unit=units.Seconds,
    ),
    size=(6, 8),
)
SPEC = DashboardSpec(
    uid="pipeline",
    title="Does the monitoring itself work?",
    description=(
        "Prometheus, Loki, the collector, Alertmanager and the responder: what is late, what is"
        " dropped, how full the storage is, and whether all rules are evaluated."
    ),
    refresh="30s",
    sections=[COMPONENTS, SCRAPES, RULES, ALERTS, LOGS],
)
