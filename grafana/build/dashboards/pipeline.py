"""Does what watches the services work itself?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import words
from ..look import Look
from ..page import Page, Section, made
from ..panels import series, stats
from ..queries import asked, now
from ..rules import limit
from ..sli import RATE
from ..states import rows, timeline
from .pipeline_delivery import carried, told

PAGE = Page(
    uid="pipeline",
    title="Does the watching itself work?",
    says="Prometheus, Loki, the collector, Alertmanager and the responder: what lags, what is"
    " dropped, how full the stores are, and whether every rule is evaluated.",
    refresh="30s",
)
GROUP = "rule_group"
STORE = " + ".join(
    f"prometheus_tsdb_{part}_bytes"
    for part in ("storage_blocks", "wal_storage_size", "head_chunks_storage_size")
)


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _now(), _scrapes(), _rules(), told(), carried())


def _now() -> Section:
    return Section(
        "Is every part there?",
        [
            timeline(
                Look(
                    "Which parts answer scrapes?",
                    "Alertmanager or the responder down: nobody hears of anything. Loki or the"
                    " collector down: lines wait on disk.",
                    units.Short,
                    ["InstanceDown", "AlertmanagerDown", "ResponderDown", "LogPipelineDown"],
                    size=(12, 9),
                ),
                words.UP,
                asked('max by (instance) (up{job="stack"})', "{{instance}}"),
                asked('max by (instance) (up{service="responder"})', "{{instance}}"),
            ),
            rows(
                Look(
                    "How many targets are known, and up?",
                    "A service that had targets and has none any more was lost from a list: compare"
                    " with what runs.",
                    units.Short,
                    ["TargetMissing", "InstanceDown"],
                    size=(8, 9),
                ),
                {"job": "Job", "service": "Service", "Value #A": "Known", "Value #B": "Up"},
                now("count by (job, service) (up)"),
                now("sum by (job, service) (up)"),
            ),
            stats(
                Look(
                    "Was every configuration taken?",
                    "Refused: it runs with the one before. Its log says which line is wrong.",
                    units.Short,
                    ["ConfigReloadFailed"],
                    size=(4, 9),
                ),
                now("min(prometheus_config_last_reload_successful)", "Prometheus"),
                now("min(alertmanager_config_last_reload_successful)", "Alertmanager"),
                now("min(loki_runtime_config_last_reload_successful)", "Loki"),
                words=words.RELOADED,
            ),
        ],
    )


def _scrapes() -> Section:
    return Section(
        "Is everything measured?",
        [
            series(
                Look(
                    "How much of its timeout does a scrape take?",
                    "Over the line a little more load makes scrapes fail: the instance is busy, or"
                    " has too many series.",
                    units.PercentUnit,
                    ["ScrapeSlow", "CardinalityHigh"],
                    [limit("ScrapeSlow")],
                ),
                asked(
                    'max by (instance) (avg_over_time(scrape_duration_seconds{job!="load"}[1m])'
                    " / scrape_timeout_seconds)",
                    "{{instance}}",
                ),
            ),
            series(
                Look(
                    "How many series and samples are there?",
                    "Series that only grow come from a label without bounds: CardinalityHigh says"
                    " whose.",
                    units.Short,
                    ["CardinalityHigh", "PrometheusStorageFilling"],
                ),
                asked("max(prometheus_tsdb_head_series)", "series"),
                asked(f"sum(rate(prometheus_tsdb_head_samples_appended_total{RATE}))", "samples/s"),
            ),
            series(
                Look(
                    "How full is Prometheus's store?",
                    "Over the line the oldest samples will soon go before their time: raise"
                    " PROMETHEUS_RETENTION_SIZE, or see which series are many.",
                    units.PercentUnit,
                    ["PrometheusStorageFilling"],
                    [limit("PrometheusStorageFilling")],
                ),
                asked(
                    f"max by (instance) (({STORE}) / (prometheus_tsdb_retention_limit_bytes > 0))",
                    "{{instance}}",
                ),
            ),
        ],
    )


def _rules() -> Section:
    group = f"by ({GROUP})"
    return Section(
        "Is every rule evaluated?",
        [
            series(
                Look(
                    "How many evaluations fail?",
                    "Each is an alert that can't fire meanwhile. Prometheus's page /rules has the"
                    " error.",
                    units.Short,
                    ["RuleEvaluationFailing"],
                    [limit("RuleEvaluationFailing")],
                ),
                asked(
                    f"sum {group} (increase(prometheus_rule_evaluation_failures_total{RATE}))",
                    "{{rule_group}}",
                ),
            ),
            series(
                Look(
                    "How much of its interval does a group take?",
                    "Near all of it, evaluations are left out and alerts come late: see which"
                    " group, and which of its queries reads too much.",
                    units.PercentUnit,
                    ["RuleEvaluationFailing"],
                ),
                asked(
                    f"max {group} (prometheus_rule_group_last_duration_seconds"
                    " / prometheus_rule_group_interval_seconds)",
                    "{{rule_group}}",
                ),
            ),
            series(
                Look(
                    "How many evaluations were left out?",
                    "More than none: a group takes longer than its interval, or the machine is too"
                    " busy.",
                    units.Short,
                    ["RuleEvaluationFailing", "HostCpuHigh"],
                ),
                asked(
                    f"sum {group} (increase(prometheus_rule_group_iterations_missed_total{RATE}))",
                    "{{rule_group}}",
                ),
            ),
        ],
    )
