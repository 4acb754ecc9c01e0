"""How long alerts take, in drills and for real."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import words
from ..look import Look
from ..page import Panels, Section
from ..panels import series
from ..queries import asked, now
from ..states import RUNBOOK, rows, timeline
from ..states import units as column_units

AFTER = 'max by (alert) (responder_alert_seconds{{phase="{}"}})'
# A restarted responder shows none of them until the next time.
LAST = "max by (alert) (last_over_time({}[$__range]))"


def times() -> Section:
    """Return the panels of the times."""
    return Section(
        "How fast is it all?",
        [
            *_last(),
            *_over_runs(),
        ],
    )


def _last() -> Panels:
    table = rows(
        Look(
            "How long did each alert take the last time?",
            "Notified much later than it fired: Alertmanager or the responder was away, or the"
            " group waited. No action where one was expected: see the reasons below.",
            units.Seconds,
            ["NotificationsFailing", "AlertmanagerDown", "ResponderDown"],
            size=(12, 9),
        ),
        {
            "alert": "Alert",
            "Value #A": "Notified after",
            "Value #B": "Action took",
            "Value #C": "Over after",
            "Value #D": "Times told",
        },
        now(LAST.format('responder_alert_seconds{phase="notified"}')),
        now(LAST.format("responder_action_seconds")),
        now(LAST.format('responder_alert_seconds{phase="resolved"}')),
        now(
            'round(sum by (alert) (increase(responder_notifications_total{status="firing"}'
            "[$__range])))"
        ),
        link=RUNBOOK,
    )
    return [
        column_units(table, {"Times told": units.Short}),
        timeline(
            Look(
                "When was an alert pending, and when did it fire?",
                "Pending long before it fires is its `for`. One that is pending again and again"
                " and never fires is close to its limit: look before it does.",
                units.Short,
                ["Watchdog", "InstanceDown"],
                size=(12, 9),
            ),
            words.PENDING,
            asked(
                'max by (alertname) (ALERTS{alertstate="firing"}) * 2'
                ' or max by (alertname) (ALERTS{alertstate="pending"})',
                "{{alertname}}",
            ),
        ),
    ]


def _over_runs() -> Panels:
    return [
        series(
            Look(
                "How long from firing to notification, over the runs?",
                "Each step is a time that the alert was told of. It grew: group waits have"
                " changed, or what delivers is slow.",
                units.Seconds,
                ["NotificationsFailing", "AlertmanagerDown"],
                size=(8, 8),
            ),
            asked(AFTER.format("notified"), "{{alert}}"),
        ),
        series(
            Look(
                "How long did the actions take, over the runs?",
                "A restart that takes longer than before waits for requests in flight, or the"
                " instance is slow to start.",
                units.Seconds,
                ["InstanceHung", "InstanceUnready"],
                size=(8, 8),
            ),
            asked("max by (alert, action) (responder_action_seconds)", "{{alert}} {{action}}"),
        ),
        series(
            Look(
                "How long from firing until it was over, over the runs?",
                "It grew where nothing else did: healing does not help any more. Compare with"
                " the time of the action beside.",
                units.Seconds,
                ["HealingExhausted", "InstanceDown"],
                size=(8, 8),
            ),
            asked(AFTER.format("resolved"), "{{alert}}"),
        ),
    ]
