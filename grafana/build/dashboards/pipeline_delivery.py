"""Whether alerts and log lines arrive."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..look import Look
from ..page import Panels, Section
from ..panels import gauges, series
from ..queries import asked, now
from ..rules import limit
from ..sli import RATE

FAILED = "alertmanager_notification_requests_failed_total"
TRIED = "alertmanager_notification_requests_total"


def told() -> Section:
    """Return the panels of alerts on their way."""
    return Section(
        "Are alerts delivered?",
        [*_notifications(), *_arrivals()],
    )


def _notifications() -> Panels:
    return [
        series(
            Look(
                "What share of the notifications fails?",
                "Over the line nothing gets through: see whether the responder runs and answers.",
                units.PercentUnit,
                ["NotificationsFailing", "ResponderDown"],
                [limit("NotificationsFailing")],
            ),
            asked(
                f'sum by (integration) (rate({FAILED}{{integration="webhook"}}[2m]))'
                f' / sum by (integration) (rate({TRIED}{{integration="webhook"}}[2m]))',
                "{{integration}}",
            ),
        ),
        series(
            Look(
                "How many alerts does Alertmanager hold?",
                "Suppressed ones are silenced or inhibited by another: look there why, before"
                " you wonder that nobody was told.",
                units.Short,
                ["AlertmanagerDown", "Watchdog"],
            ),
            asked("sum by (state) (alertmanager_alerts)", "{{state}}"),
            asked('sum(alertmanager_silences{state="active"})', "silences"),
        ),
        series(
            Look(
                "Does Prometheus get rid of its alerts?",
                "Waiting or refused ones: Alertmanager is down or slow. They are sent again.",
                units.Short,
                ["AlertmanagerDown"],
            ),
            asked("max(prometheus_notifications_queue_length)", "waiting"),
            asked(f"sum(increase(prometheus_notifications_errors_total{RATE}))", "refused"),
        ),
    ]


def _arrivals() -> Panels:
    return [
        series(
            Look(
                "How long ago did Watchdog arrive?",
                "It comes each minute. After three minutes without it the responder itself says"
                " that the pipeline is broken.",
                units.Seconds,
                ["Watchdog", "NotificationsFailing"],
            ),
            asked("time() - max(responder_watchdog_last_seen_timestamp_seconds)", "Watchdog"),
        ),
        series(
            Look(
                "What becomes of the webhooks?",
                "Failed: the responder's disk is full or slow, and Alertmanager tries again."
                " Malformed: somebody else posts there.",
                units.OpsPerSecond,
                ["ResponderDown", "NotificationsFailing"],
            ),
            asked(f"sum by (outcome) (rate(responder_webhooks_total{RATE}))", "{{outcome}}"),
        ),
        gauges(
            Look(
                "Which alerts were told of most?",
                "One that is told again and again is a fault that nobody mends, or a threshold"
                " that is wrong.",
                units.Short,
                ["Watchdog"],
            ),
            now(
                "topk(10, round(sum by (alert) (increase(responder_notifications_total"
                '{status="firing"}[$__range]))))',
                "{{alert}}",
            ),
        ),
    ]


def carried() -> Section:
    """Return the panels of log lines on their way."""
    return Section(
        "Are log lines carried and kept?",
        [*_waiting(), *_store()],
    )


def _waiting() -> Panels:
    return [
        series(
            Look(
                "How many bytes wait for Loki?",
                "Over the line Loki is down or slow; they wait on disk, up to the capacity.",
                units.BytesIEC,
                ["LogPipelineLagging", "LogPipelineDown"],
                [limit("LogPipelineLagging")],
                size=(6, 8),
            ),
            asked("max by (instance) (otelcol_exporter_queue_size)", "{{instance}}"),
        ),
        series(
            Look(
                "Are as many lines stored as read?",
                "Read and not stored: they wait. Read and refused: see Loki's discarded ones"
                " beside.",
                units.OpsPerSecond,
                ["LogPipelineLagging", "LogsMissing"],
                size=(6, 8),
            ),
            asked(f"sum(rate(otelcol_receiver_accepted_log_records_total{RATE}))", "read"),
            asked(f"sum(rate(otelcol_exporter_sent_log_records_total{RATE}))", "stored"),
        ),
    ]


def _store() -> Panels:
    return [
        series(
            Look(
                "How many lines does Loki refuse?",
                "Each is lost, but for rate_limited, which is tried again. docs/explanation/logs.md"
                " says what each reason means.",
                units.OpsPerSecond,
                ["LogPipelineLagging", "LogsMissing"],
                size=(6, 8),
            ),
            asked(f"sum by (reason) (rate(loki_discarded_samples_total{RATE}))", "{{reason}}"),
        ),
        series(
            Look(
                "How fast does Loki answer?",
                "Slow pushes: its disk is slow, and lines begin to wait. Slow queries: somebody"
                " searches far back.",
                units.Seconds,
                ["LogPipelineLagging"],
                size=(6, 8),
            ),
            asked(
                "histogram_quantile(0.95, sum by (route, le) (rate("
                f'loki_request_duration_seconds_bucket{{route=~"otlp.*|loki_api_v1_.*"}}{RATE})))',
                "{{route}}",
            ),
        ),
    ]
