"""The panels of the dashboard `pipeline` that show the delivery of alerts and log lines."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import gauges, series
from ..queries import instant_query, range_query
from ..rules import limit
from ..sli import RATE

FAILED = "alertmanager_notification_requests_failed_total"
TRIED = "alertmanager_notification_requests_total"


def alert_delivery() -> Section:
    """Return the panels of the delivery of alerts."""
    return Section(
        "Are alerts delivered?",
        [*_notifications(), *_arrivals()],
    )


def _notifications() -> Panels:
    return [
        series(
            PanelSpec(
                "What share of the notifications fails?",
                "Above the line no notification is delivered: check whether the responder runs"
                " and answers.",
                units.PercentUnit,
                ["NotificationsFailing", "ResponderDown"],
                [limit("NotificationsFailing")],
            ),
            range_query(
                f'sum by (integration) (rate({FAILED}{{integration="webhook"}}[2m]))'
                f' / sum by (integration) (rate({TRIED}{{integration="webhook"}}[2m]))',
                "{{integration}}",
            ),
        ),
        series(
            PanelSpec(
                "How many alerts does Alertmanager have?",
                "Suppressed alerts are silenced, or inhibited by another alert, and are not"
                " notified. Alertmanager shows the reason.",
                units.Short,
                ["AlertmanagerDown", "Watchdog"],
            ),
            range_query("sum by (state) (alertmanager_alerts)", "{{state}}"),
            range_query('sum(alertmanager_silences{state="active"})', "silences"),
        ),
        series(
            PanelSpec(
                "Does Prometheus deliver its alerts to Alertmanager?",
                "Queued or failed ones: Alertmanager is down or slow. They are sent again.",
                units.Short,
                ["AlertmanagerDown"],
            ),
            range_query("max(prometheus_notifications_queue_length)", "queued"),
            range_query(f"sum(increase(prometheus_notifications_errors_total{RATE}))", "failed"),
        ),
    ]


def _arrivals() -> Panels:
    return [
        series(
            PanelSpec(
                "How long ago did Watchdog arrive?",
                "It arrives each minute. After three minutes without it the responder reports"
                " that the pipeline is broken.",
                units.Seconds,
                ["Watchdog", "NotificationsFailing"],
            ),
            range_query("time() - max(responder_watchdog_last_seen_timestamp_seconds)", "Watchdog"),
        ),
        series(
            PanelSpec(
                "What are the results of the webhooks?",
                "Failed: the responder's disk is full or slow, and Alertmanager retries."
                " Malformed: another client posts there.",
                units.OpsPerSecond,
                ["ResponderDown", "NotificationsFailing"],
            ),
            range_query(f"sum by (outcome) (rate(responder_webhooks_total{RATE}))", "{{outcome}}"),
        ),
        gauges(
            PanelSpec(
                "Which alerts were notified most often?",
                "An alert that is notified again and again is a fault that is not being fixed, or"
                " a wrong threshold.",
                units.Short,
                ["Watchdog"],
            ),
            instant_query(
                "topk(10, round(sum by (alert) (increase(responder_notifications_total"
                '{status="firing"}[$__range]))))',
                "{{alert}}",
            ),
        ),
    ]


def log_delivery() -> Section:
    """Return the panels of the delivery of log lines."""
    return Section(
        "Are log lines delivered and stored?",
        [*_waiting(), *_store()],
    )


def _waiting() -> Panels:
    return [
        series(
            PanelSpec(
                "How many bytes wait for Loki?",
                "Above the line Loki is down or slow. The lines wait on disk, up to the capacity"
                " of the queue.",
                units.BytesIEC,
                ["LogPipelineLagging", "LogPipelineDown"],
                [limit("LogPipelineLagging")],
                size=(6, 8),
            ),
            range_query("max by (instance) (otelcol_exporter_queue_size)", "{{instance}}"),
        ),
        series(
            PanelSpec(
                "Are as many lines stored as read?",
                "Read and not stored: they wait in the queue. Read and rejected: see Loki's"
                " discarded lines beside.",
                units.OpsPerSecond,
                ["LogPipelineLagging", "LogsMissing"],
                size=(6, 8),
            ),
            range_query(f"sum(rate(otelcol_receiver_accepted_log_records_total{RATE}))", "read"),
            range_query(f"sum(rate(otelcol_exporter_sent_log_records_total{RATE}))", "stored"),
        ),
    ]


def _store() -> Panels:
    return [
        series(
            PanelSpec(
                "How many lines does Loki reject?",
                "Each rejected line is lost, except for rate_limited, which is retried."
                " docs/explanation/logs.md explains the reasons.",
                units.OpsPerSecond,
                ["LogPipelineLagging", "LogsMissing"],
                size=(6, 8),
            ),
            range_query(
                f"sum by (reason) (rate(loki_discarded_samples_total{RATE}))", "{{reason}}"
            ),
        ),
        series(
            PanelSpec(
                "How fast does Loki answer?",
                "Slow pushes: its disk is slow, and lines start to wait. Slow queries: a search"
                " over a long time.",
                units.Seconds,
                ["LogPipelineLagging"],
                size=(6, 8),
            ),
            range_query(
                "histogram_quantile(0.95, sum by (route, le) (rate("
                f'loki_request_duration_seconds_bucket{{route=~"otlp.*|loki_api_v1_.*"}}{RATE})))',
                "{{route}}",
            ),
        ),
    ]
