"""The panels of the dashboard `drills` that show how long alerts take."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import value_texts
from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import series
from ..queries import instant_query, range_query
from ..state_panels import RUNBOOK, column_units, state_timeline, table_panel

AFTER = 'max by (alert) (responder_alert_seconds{{phase="{}"}})'
# A restarted responder exports no series until the next alert.
LAST = "max by (alert) (last_over_time({}[$__range]))"


def times() -> Section:
    """Return the panels of the durations."""
    return Section(
        "How long do alerts take?",
        [
            *_last(),
            *_over_runs(),
        ],
    )


def _last() -> Panels:
    table = table_panel(
        PanelSpec(
            "How long did each alert take the last time?",
            "Notified much later than it fired: Alertmanager or the responder was down, or the"
            " group waited. No action where one was expected: see the reasons below.",
            units.Seconds,
            ["NotificationsFailing", "AlertmanagerDown", "ResponderDown"],
            size=(12, 9),
        ),
        {
            "alert": "Alert",
            "Value #A": "Notified after",
            "Value #B": "Action took",
            "Value #C": "Resolved after",
            "Value #D": "Notifications",
        },
        instant_query(LAST.format('responder_alert_seconds{phase="notified"}')),
        instant_query(LAST.format("responder_action_duration_seconds")),
        instant_query(LAST.format('responder_alert_seconds{phase="resolved"}')),
        instant_query(
            'round(sum by (alert) (increase(responder_notifications_total{status="firing"}'
            "[$__range])))"
        ),
        link=RUNBOOK,
    )
    return [
        column_units(table, {"Notifications": units.Short}),
        state_timeline(
            PanelSpec(
                "When was an alert pending, and when did it fire?",
                "An alert is pending for its `for`. An alert that is often pending and never"
                " fires is close to its threshold: check it before it fires.",
                units.Short,
                ["Watchdog", "InstanceDown"],
                size=(12, 9),
            ),
            value_texts.PENDING,
            range_query(
                'max by (alertname) (ALERTS{alertstate="firing"}) * 2'
                ' or max by (alertname) (ALERTS{alertstate="pending"})',
                "{{alertname}}",
            ),
        ),
    ]


def _over_runs() -> Panels:
    return [
        series(
            PanelSpec(
                "How long from firing to notification, in each run?",
                "Each step is a notification. A growth means that group waits were changed, or"
                " that delivery is slow.",
                units.Seconds,
                ["NotificationsFailing", "AlertmanagerDown"],
                size=(8, 8),
            ),
            range_query(AFTER.format("notified"), "{{alert}}"),
        ),
        series(
            PanelSpec(
                "How long did the actions take, in each run?",
                "A restart that takes longer than before waits for requests in flight, or the"
                " instance is slow to start.",
                units.Seconds,
                ["InstanceHung", "InstanceUnready"],
                size=(8, 8),
            ),
            range_query(
                "max by (alert, action) (responder_action_duration_seconds)", "{{alert}} {{action}}"
            ),
        ),
        series(
            PanelSpec(
                "How long from firing to resolution, in each run?",
                "A growth here alone means that healing no longer helps. Compare with the"
                " duration of the action beside.",
                units.Seconds,
                ["HealingExhausted", "InstanceDown"],
                size=(8, 8),
            ),
            range_query(AFTER.format("resolved"), "{{alert}}"),
        ),
    ]
