"""The panels of the dashboard `drills` that show the results of drills."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import value_texts
from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import series
from ..queries import instant_query, range_query
from ..state_panels import RUNBOOK, column_units, column_value_texts, table_panel

NONE = "No drill has reported a result yet: run `make drill`."
# A phase that was not reached is NaN, which `>= 0` removes.
TIME = 'max by (alert, speed) (responder_drill_phase_seconds{{phase="{}"}}) >= 0'
SHARE = (
    "max by (alert, speed) (responder_drill_phase_seconds / responder_drill_deadline_seconds) >= 0"
)
LEGEND = "{{alert}} at speed {{speed}}"


def results() -> Section:
    """Return the panels of drill results."""
    return Section("What were the results of the drills?", [*_last(), *_over_runs()])


def _last() -> Panels:
    table = table_panel(
        PanelSpec(
            "What was the result of each alert's last drill?",
            "Seconds from the fault to each phase, and from its end to the resolution, divided by"
            " the speed. A phase close to its deadline fails on a busy day. An alert that is"
            " missing or failed is not proven: run `make drill`; its report names the failing"
            " phase.",
            units.Seconds,
            ["Watchdog", "InstanceDown"],
            size=(24, 10),
            no_data_text=NONE,
        ),
        {
            "alert": "Alert",
            "speed": "Speed",
            "Value #A": "Drill",
            "Value #B": "Ended",
            "Value #C": "Fired",
            "Value #D": "Notified",
            "Value #E": "Healed",
            "Value #F": "Over",
            "Value #G": "Closest deadline",
        },
        instant_query("max by (alert, speed) (responder_drill_passed)"),
        instant_query("max by (alert, speed) (responder_drill_ended_timestamp_seconds) * 1000"),
        *(
            instant_query(TIME.format(phase))
            for phase in ("firing", "notified", "healed", "resolved")
        ),
        instant_query(SHARE),
        link=RUNBOOK,
    )
    table = column_value_texts(table, {"Drill": value_texts.DRILLED})
    own = {
        "Drill": units.Short,
        "Ended": units.DateTimeFromNow,
        "Closest deadline": units.PercentUnit,
    }
    return [column_units(table, own)]


def _over_runs() -> Panels:
    return [
        _steps(
            "How long did it take to fire, in each run?",
            "If it grows: the rule's window or its `for` has grown, or its metrics arrive later.",
            "firing",
            ["InstanceDown", "RuleEvaluationFailing"],
        ),
        _steps(
            "How long did it take to be notified, in each run?",
            "If only it grows: Alertmanager's group waits, or the delivery is slow.",
            "notified",
            ["NotificationsFailing", "AlertmanagerDown"],
        ),
        _steps(
            "How long did it take to be healed, in each run?",
            "If only it grows: the policy waits longer, or an instance is slow to start.",
            "healed",
            ["HealingExhausted", "InstanceUnready"],
        ),
    ]


def _steps(title: str, description: str, phase: str, alerts: list[str]) -> object:
    return series(
        PanelSpec(
            title,
            f"A step is a drill. {description}",
            units.Seconds,
            alerts,
            size=(8, 8),
            no_data_text=NONE,
        ),
        range_query(TIME.format(phase), LEGEND),
    )
