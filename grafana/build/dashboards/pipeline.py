"""The dashboard that shows the state of the monitoring itself."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import value_texts
from ..dashboard_builder import DashboardSpec, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import series, stats
from ..queries import instant_query, range_query
from ..rules import limit
from ..sli import RATE
from ..state_panels import state_timeline, table_panel
from .pipeline_delivery import alert_delivery, log_delivery

SPEC = DashboardSpec(
    uid="pipeline",
    title="Does the monitoring itself work?",
    description=(
        "Prometheus, Loki, the collector, Alertmanager and the responder: what is late, what is"
        " dropped, how full the storage is, and whether all rules are evaluated."
    ),
    refresh="30s",
)
GROUP = "rule_group"
STORE = " + ".join(
    f"prometheus_tsdb_{part}_bytes"
    for part in ("storage_blocks", "wal_storage_size", "head_chunks_storage_size")
)


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(SPEC, _now(), _scrapes(), _rules(), alert_delivery(), log_delivery())


def _now() -> Section:
    return Section(
        "Is every component up?",
        [
            state_timeline(
                PanelSpec(
                    "Which components answer scrapes?",
                    "Alertmanager or the responder down: no notification arrives. Loki or the"
                    " collector down: log lines wait on disk.",
                    units.Short,
                    ["InstanceDown", "AlertmanagerDown", "ResponderDown", "LogPipelineDown"],
                    size=(12, 9),
                ),
                value_texts.UP,
                range_query('max by (instance) (up{job="stack"})', "{{instance}}"),
                range_query('max by (instance) (up{service="responder"})', "{{instance}}"),
            ),
            table_panel(
                PanelSpec(
                    "How many targets are configured, and how many are up?",
                    "A service that had targets and has no target any more is missing from a"
                    " target list: compare with what runs.",
                    units.Short,
                    ["TargetMissing", "InstanceDown"],
                    size=(8, 9),
                ),
                {"job": "Job", "service": "Service", "Value #A": "Configured", "Value #B": "Up"},
                instant_query("count by (job, service) (up)"),
                instant_query("sum by (job, service) (up)"),
            ),
            stats(
                PanelSpec(
                    "Was every configuration loaded?",
                    "Rejected: the component runs with its previous configuration. Its log has"
                    " the wrong line.",
                    units.Short,
                    ["ConfigReloadFailed"],
                    size=(4, 9),
                ),
                instant_query("min(prometheus_config_last_reload_successful)", "Prometheus"),
                instant_query("min(alertmanager_config_last_reload_successful)", "Alertmanager"),
                instant_query("min(loki_runtime_config_last_reload_successful)", "Loki"),
                value_texts=value_texts.RELOADED,
            ),
        ],
    )


def _scrapes() -> Section:
    return Section(
        "Is everything scraped?",
        [
            series(
                PanelSpec(
                    "How much of its timeout does a scrape take?",
                    "Above the line a little more load makes scrapes fail: the instance is busy,"
                    " or has too many series.",
                    units.PercentUnit,
                    ["ScrapeSlow", "CardinalityHigh"],
                    [limit("ScrapeSlow")],
                ),
                range_query(
                    'max by (instance) (avg_over_time(scrape_duration_seconds{job!="load"}[1m])'
                    " / scrape_timeout_seconds)",
                    "{{instance}}",
                ),
            ),
            series(
                PanelSpec(
                    "How many series and samples are there?",
                    "A growing number of series comes from a label with unbounded values."
                    " CardinalityHigh names the instance.",
                    units.Short,
                    ["CardinalityHigh", "PrometheusStorageFilling"],
                ),
                range_query("max(prometheus_tsdb_head_series)", "series"),
                range_query(
                    f"sum(rate(prometheus_tsdb_head_samples_appended_total{RATE}))", "samples/s"
                ),
            ),
            series(
                PanelSpec(
                    "How full is Prometheus's storage?",
                    "Above the line the oldest samples will soon be deleted early: raise"
                    " PROMETHEUS_RETENTION_SIZE, or reduce the number of series.",
                    units.PercentUnit,
                    ["PrometheusStorageFilling"],
                    [limit("PrometheusStorageFilling")],
                ),
                range_query(
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
                PanelSpec(
                    "How many evaluations fail?",
                    "A rule that fails cannot fire its alert. Prometheus's page /rules has the"
                    " error.",
                    units.Short,
                    ["RuleEvaluationFailing"],
                    [limit("RuleEvaluationFailing")],
                ),
                range_query(
                    f"sum {group} (increase(prometheus_rule_evaluation_failures_total{RATE}))",
                    "{{rule_group}}",
                ),
            ),
            series(
                PanelSpec(
                    "How much of its interval does a group take?",
                    "Near 100 %, evaluations are skipped and alerts are late: find the group and"
                    " its query that reads too much.",
                    units.PercentUnit,
                    ["RuleEvaluationFailing"],
                ),
                range_query(
                    f"max {group} (prometheus_rule_group_last_duration_seconds"
                    " / prometheus_rule_group_interval_seconds)",
                    "{{rule_group}}",
                ),
            ),
            series(
                PanelSpec(
                    "How many evaluations were skipped?",
                    "Above zero: a group takes longer than its interval, or the host is too busy.",
                    units.Short,
                    ["RuleEvaluationFailing", "HostCpuHigh"],
                ),
                range_query(
                    f"sum {group} (increase(prometheus_rule_group_iterations_missed_total{RATE}))",
                    "{{rule_group}}",
                ),
            ),
        ],
    )
