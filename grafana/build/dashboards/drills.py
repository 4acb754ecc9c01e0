"""The dashboard that shows alerts, notifications and healing, in drills and real incidents."""

from __future__ import annotations

from dataclasses import replace

from grafana_foundation_sdk.models import units

from .. import value_texts
from ..dashboard_builder import DashboardSpec, Section
from ..panels import (
    RUNBOOK,
    Bars,
    Gauges,
    Lines,
    Series,
    StateTimeline,
    Stats,
    Table,
)
from ..queries import instant_query, log_query, range_query

NONE = "No drill has reported a result yet: run `make drill`."
# A phase that was not reached is NaN, which `>= 0` removes.
TIME = 'max by (alert, speed) (responder_drill_phase_seconds{{phase="{}"}}) >= 0'
SHARE = (
    "max by (alert, speed) (responder_drill_phase_seconds / responder_drill_deadline_seconds) >= 0"
)
LEGEND = "{{alert}} at speed {{speed}}"
AFTER = 'max by (alert) (responder_alert_seconds{{phase="{}"}})'
# A restarted responder exports no series until the next alert.
LAST = "max by (alert) (last_over_time({}[$__range]))"
ACTIONS = Bars(
    "How many actions ended, and how?",
    "Failed: the control API or the runtime refused; the responder's page /healing has each reason."
    " Cancelled: an operator took over, or the alert resolved before. Many actions: something fails"
    " repeatedly, and healing hides it.",
    range_query("sum by (action, state) (increase(responder_actions_total[$__rate_interval]))"),
    alerts=["HealingExhausted", "InstanceHung", "Saturated"],
)
DECISION_LOG = Lines(
    "What does the responder log?",
    "Its decisions and actions, each with its alert and its reason. Nothing new while an alert"
    " fires: it is paused, or the circuit breaker of the service is open.",
    log_query('{service="responder"} | logger != "access"'),
    alerts=["HealingExhausted", "ResponderDown"],
)
HEALING = Section(
    "Can the responder heal?",
    Stats(
        "Is healing paused?",
        "Paused by an operator: the responder decides and takes no action. POST /resume ends the"
        " pause.",
        instant_query("max(responder_paused)", "paused"),
        alerts=["HealingExhausted"],
        value_texts=value_texts.PAUSED,
    ),
    Stats(
        "Is the circuit breaker of a service open?",
        "Open: the responder has exhausted the action budget of the service, which is still broken."
        " Find out what fails repeatedly before you close the circuit breaker.",
        instant_query("max by (scaled_service) (responder_circuit_open)"),
        alerts=["HealingExhausted"],
        value_texts=value_texts.CIRCUIT,
    ),
    Series(
        "How many actions are left in the budget of each service?",
        "At zero its circuit breaker opens and an alert pages. Each action uses up one, and"
        " returns it after half an hour.",
        range_query("max by (scaled_service) (responder_budget_remaining)"),
        alerts=["HealingExhausted"],
        size=(8, 5),
    ),
    Stats(
        "What is the minimum number of instances?",
        "Of each service with the heal label. The responder does not scale the others.",
        instant_query("max by (scaled_service) (responder_min_replicas)"),
        alerts=["Overprovisioned", "Saturated"],
        size=(6, 5),
    ),
    size=(5, 5),
)
RESULTS = Section(
    "What were the results of the drills?",
    Table(
        "What was the result of each alert's last drill?",
        "Seconds from the fault to each phase, and from its end to the resolution, divided by the"
        " speed. A phase close to its deadline fails on a busy day. An alert that is missing or"
        " failed is not proven: run `make drill`; its report names the failing phase.",
        [
            instant_query("max by (alert, speed) (responder_drill_passed)"),
            instant_query("max by (alert, speed) (responder_drill_ended_timestamp_seconds) * 1000"),
            *(
                instant_query(TIME.format(phase))
                for phase in ("firing", "notified", "healed", "resolved")
            ),
            instant_query(SHARE),
        ],
        alerts=["Watchdog", "InstanceDown"],
        unit=units.Seconds,
        no_data_text=NONE,
        columns={
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
        link=RUNBOOK,
        column_texts={"Drill": value_texts.DRILLED},
        column_units={
            "Drill": units.Short,
            "Ended": units.DateTimeFromNow,
            "Closest deadline": units.PercentUnit,
        },
    ),
    Series(
        "How long did it take to fire, in each run?",
        "A step is a drill. If it grows: the rule's window or its `for` has grown, or its metrics"
        " arrive later.",
        range_query(TIME.format("firing"), LEGEND),
        alerts=["InstanceDown", "RuleEvaluationFailing"],
        unit=units.Seconds,
        size=(8, 8),
        no_data_text=NONE,
    ),
    Series(
        "How long did it take to be notified, in each run?",
        "A step is a drill. If only it grows: Alertmanager's group waits, or the delivery is slow.",
        range_query(TIME.format("notified"), LEGEND),
        alerts=["NotificationsFailing", "AlertmanagerDown"],
        unit=units.Seconds,
        size=(8, 8),
        no_data_text=NONE,
    ),
    Series(
        "How long did it take to be healed, in each run?",
        "A step is a drill. If only it grows: the policy waits longer, or an instance is slow to"
        " start.",
        range_query(TIME.format("healed"), LEGEND),
        alerts=["HealingExhausted", "InstanceUnready"],
        unit=units.Seconds,
        size=(8, 8),
        no_data_text=NONE,
    ),
    size=(24, 10),
)
DURATIONS = Section(
    "How long do alerts take?",
    Table(
        "How long did each alert take the last time?",
        "Notified much later than it fired: Alertmanager or the responder was down, or the group"
        " waited. No action where one was expected: see the reasons below.",
        [
            instant_query(LAST.format('responder_alert_seconds{phase="notified"}')),
            instant_query(LAST.format("responder_action_duration_seconds")),
            instant_query(LAST.format('responder_alert_seconds{phase="resolved"}')),
            instant_query(
                'round(sum by (alert) (increase(responder_notifications_total{status="firing"}'
                "[$__range])))"
            ),
        ],
        alerts=["NotificationsFailing", "AlertmanagerDown", "ResponderDown"],
        unit=units.Seconds,
        columns={
            "alert": "Alert",
            "Value #A": "Notified after",
            "Value #B": "Action took",
            "Value #C": "Resolved after",
            "Value #D": "Notifications",
        },
        link=RUNBOOK,
        column_units={"Notifications": units.Short},
        size=(12, 9),
    ),
    StateTimeline(
        "When was an alert pending, and when did it fire?",
        "An alert is pending for its `for`. An alert that is often pending and never fires is"
        " close to its threshold: check it before it fires.",
        range_query(
            'max by (alertname) (ALERTS{alertstate="firing"}) * 2'
            ' or max by (alertname) (ALERTS{alertstate="pending"})'
        ),
        alerts=["Watchdog", "InstanceDown"],
        value_texts=value_texts.PENDING,
        size=(12, 9),
    ),
    Series(
        "How long from firing to notification, in each run?",
        "Each step is a notification. A growth means that group waits were changed, or that"
        " delivery is slow.",
        range_query(AFTER.format("notified")),
        alerts=["NotificationsFailing", "AlertmanagerDown"],
        unit=units.Seconds,
    ),
    Series(
        "How long did the actions take, in each run?",
        "A restart that takes longer than before waits for requests in flight, or the instance is"
        " slow to start.",
        range_query("max by (alert, action) (responder_action_duration_seconds)"),
        alerts=["InstanceHung", "InstanceUnready"],
        unit=units.Seconds,
    ),
    Series(
        "How long from firing to resolution, in each run?",
        "A growth here alone means that healing no longer helps. Compare with the duration of the"
        " action beside.",
        range_query(AFTER.format("resolved")),
        alerts=["HealingExhausted", "InstanceDown"],
        unit=units.Seconds,
    ),
)
DECISIONS = Section(
    "What did it do, and what did it skip?",
    ACTIONS,
    Gauges(
        "Why did it skip actions?",
        "`manual` is the policy's decision; `cooldown` and the like are guards, which"
        " docs/explanation/healing.md explains. A guard that applies all the time hides a fault.",
        instant_query(
            "sort_desc(round(sum by (code) (increase(responder_decisions_total"
            '{code!="approved"}[$__range]))))',
            "{{code}}",
        ),
        alerts=["HealingExhausted"],
    ),
    replace(DECISION_LOG, size=(24, 8)),
    size=(12, 8),
)
RUNS = Section(
    "Which drills were run?",
    StateTimeline(
        "Which faults were active?",
        "A drill's fault in a service, while it is active. Disable one that remains without a"
        " drill: DELETE /faults of that instance.",
        range_query("max by (kind) (fault_active)"),
        alerts=["InstanceUnready", "DataServiceErrors"],
        value_texts=value_texts.FAULT,
    ),
    Lines(
        "Which drills were there, and with which verdict?",
        "The responder logs each result that it receives, and why a drill failed.",
        log_query('{service="responder"} | drill_id!=""'),
        alerts=["HealingExhausted"],
    ),
    size=(12, 8),
)
SPEC = DashboardSpec(
    uid="drills",
    title="Do alerts arrive, and does healing help?",
    description=(
        "When alerts fired, were notified and resolved, what the responder did and why, and the"
        " remaining budget of each service. Annotations mark drills."
    ),
    time_from="now-6h",
    refresh="30s",
    sections=[HEALING, RESULTS, DURATIONS, DECISIONS, RUNS],
)
