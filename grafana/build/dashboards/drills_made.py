"""How drills went, those on a stack of their own among them."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import words
from ..look import Look
from ..page import Panels, Section
from ..panels import series
from ..queries import asked, now
from ..states import RUNBOOK, column_words, rows
from ..states import units as column_units

NONE = "No such drill was told of yet: `make drill`."
# A phase that did not come is NaN, which is no number of 0 or more.
TIME = 'max by (alert, speed) (responder_drill_phase_seconds{{phase="{}"}}) >= 0'
SHARE = "max by (alert, speed) (responder_drill_phase_seconds / responder_drill_limit_seconds) >= 0"
LEGEND = "{{alert}} at speed {{speed}}"


def made() -> Section:
    """Return the panels of drills that were made."""
    return Section("How did the drills go?", [*_last(), *_over_runs()])


def _last() -> Panels:
    table = rows(
        Look(
            "How did each alert's last drill go?",
            "Seconds from the fault to each phase, and from its end until the alert was over; the"
            " speed divides them. A phase near its limit fails on a busy day. An alert that is not"
            " here, or failed, is not proven: `make drill`, and its report names the broken link.",
            units.Seconds,
            ["Watchdog", "InstanceDown"],
            size=(24, 10),
            absent=NONE,
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
            "Value #G": "Most of a limit",
        },
        now("max by (alert, speed) (responder_drill_passed)"),
        now("max by (alert, speed) (responder_drill_ended_timestamp_seconds) * 1000"),
        *(now(TIME.format(phase)) for phase in ("firing", "notified", "healed", "resolved")),
        now(SHARE),
        link=RUNBOOK,
    )
    table = column_words(table, {"Drill": words.DRILLED})
    own = {
        "Drill": units.Short,
        "Ended": units.DateTimeFromNow,
        "Most of a limit": units.PercentUnit,
    }
    return [column_units(table, own)]


def _over_runs() -> Panels:
    return [
        _steps(
            "How long did it take to fire, over the runs?",
            "It grew: the rule's window or its `for` did, or what it is made of is slower.",
            "firing",
            ["InstanceDown", "RuleEvaluationFailing"],
        ),
        _steps(
            "How long did it take to be notified, over the runs?",
            "It grew and firing did not: Alertmanager's group waits, or who delivers.",
            "notified",
            ["NotificationsFailing", "AlertmanagerDown"],
        ),
        _steps(
            "How long did it take to be healed, over the runs?",
            "It grew and notifying did not: the policy waits longer, or an instance is slow to"
            " start.",
            "healed",
            ["HealingExhausted", "InstanceUnready"],
        ),
    ]


def _steps(title: str, says: str, phase: str, alerts: list[str]) -> object:
    return series(
        Look(title, f"A step is a drill. {says}", units.Seconds, alerts, size=(8, 8), absent=NONE),
        asked(TIME.format(phase), LEGEND),
    )
