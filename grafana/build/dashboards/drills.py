"""The dashboard that shows alerts, notifications and healing, in drills and real incidents."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import responder_panels, value_texts
from ..dashboard_builder import DashboardSpec, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import annotation_list, gauges, series, stats
from ..queries import instant_query, range_query
from ..state_panels import state_timeline
from .drills_results import results
from .drills_timing import times

SPEC = DashboardSpec(
    uid="drills",
    title="Do alerts arrive, and does healing help?",
    description=(
        "When alerts fired, were notified and resolved, what the responder did and why, and its"
        " remaining budget. Annotations mark drills."
    ),
    time_from="now-6h",
    refresh="30s",
)


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(SPEC, _healer(), results(), times(), _actions(), _drills())


def _healer() -> Section:
    return Section(
        "Can the responder heal?",
        [
            stats(
                PanelSpec(
                    "Is healing paused?",
                    "Paused by an operator: the responder decides and takes no action. POST"
                    " /resume ends the pause.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(5, 5),
                ),
                instant_query("max(responder_paused)", "paused"),
                value_texts=value_texts.PAUSED,
            ),
            stats(
                PanelSpec(
                    "Is its circuit breaker open?",
                    "Open: the responder has exhausted its action budget and something is still"
                    " broken. Find out what fails repeatedly before you resume it.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(5, 5),
                ),
                instant_query("max(responder_circuit_open)", "circuit"),
                value_texts=value_texts.CIRCUIT,
            ),
            series(
                PanelSpec(
                    "How many actions are left in its budget?",
                    "At zero its circuit breaker opens and an alert pages. Each action uses up"
                    " one, and returns it after half an hour.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(8, 5),
                ),
                range_query("max(responder_budget_remaining)", "actions left"),
            ),
            stats(
                PanelSpec(
                    "What is the minimum number of instances?",
                    "Of each service with the heal label. The responder does not scale the others.",
                    units.Short,
                    ["Overprovisioned", "Saturated"],
                    size=(6, 5),
                ),
                instant_query(
                    "max by (scaled_service) (responder_min_replicas)", "{{scaled_service}}"
                ),
            ),
        ],
    )


def _actions() -> Section:
    return Section(
        "What did it do, and what did it skip?",
        [
            responder_panels.actions((12, 8)),
            gauges(
                PanelSpec(
                    "Why did it skip actions?",
                    "`manual` is the policy's decision; `cooldown` and the like are guards, which"
                    " docs/explanation/healing.md explains. A guard that applies all the time"
                    " hides a fault.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(12, 8),
                ),
                instant_query(
                    "sort_desc(round(sum by (code) (increase(responder_decisions_total"
                    '{code!="approved"}[$__range]))))',
                    "{{code}}",
                ),
            ),
            responder_panels.decision_log((24, 8)),
        ],
    )


def _drills() -> Section:
    return Section(
        "Which drills were run?",
        [
            state_timeline(
                PanelSpec(
                    "Which faults were active?",
                    "A drill's fault in a service, while it is active. Disable one that remains"
                    " without a drill: DELETE /faults of that instance.",
                    units.Short,
                    ["InstanceUnready", "DataServiceErrors"],
                    size=(12, 8),
                ),
                value_texts.FAULT,
                range_query("max by (kind) (fault_active)", "{{kind}}"),
            ),
            annotation_list(
                PanelSpec(
                    "Which drills, loads, decisions and actions were there?",
                    "The newest first. Click one to go to its time.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(12, 8),
                ),
                "alertdrill",
            ),
        ],
    )
