"""Do alerts fire, arrive and get healed in time, in drills and for real?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import responder, words
from ..look import Look
from ..page import Page, Section, made
from ..panels import gauges, marks, series, stats
from ..queries import asked, now
from ..states import timeline
from .drills_made import made as drilled
from .drills_times import times

PAGE = Page(
    uid="drills",
    title="Do alerts arrive, and does healing help?",
    says="When alerts fired, were notified and were over, what the responder did about them and"
    " why, and what is left of its budget. Drills are told from real trouble by their marks.",
    since="now-6h",
    refresh="30s",
)


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _healer(), drilled(), times(), _actions(), _drills())


def _healer() -> Section:
    return Section(
        "Can the responder heal?",
        [
            stats(
                Look(
                    "Is healing paused?",
                    "A human has paused it: it decides and does nothing. POST /resume ends that.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(5, 5),
                ),
                now("max(responder_paused)", "paused"),
                words=words.PAUSED,
            ),
            stats(
                Look(
                    "Is its circuit open?",
                    "Open: it has done as much as it may and something is still broken. Find out"
                    " what breaks again and again before you do anything else.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(5, 5),
                ),
                now("max(responder_circuit_open)", "circuit"),
                words=words.CIRCUIT,
            ),
            series(
                Look(
                    "How many actions may it still take?",
                    "At none its circuit opens and a human is paged. It falls with each action and"
                    " rises once they are half an hour old.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(8, 5),
                ),
                asked("max(responder_budget_left)", "actions left"),
            ),
            stats(
                Look(
                    "How many instances does it keep at least?",
                    "The floor of each service with the heal label. Others are left to people.",
                    units.Short,
                    ["Overprovisioned", "Saturated"],
                    size=(6, 5),
                ),
                now("max by (scaled_service) (responder_floor_instances)", "{{scaled_service}}"),
            ),
        ],
    )


def _actions() -> Section:
    return Section(
        "What did it do, and why not more?",
        [
            responder.actions((12, 8)),
            gauges(
                Look(
                    "Why did it do nothing?",
                    "`left_to_a_human` is the policy's wish; `is_too_soon` and the like are its"
                    " guard rails, which docs/explanation/healing.md explains. A guard rail"
                    " that holds all the time hides a fault.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(12, 8),
                ),
                now(
                    "sort_desc(round(sum by (code) (increase(responder_decisions_total"
                    '{code!="acted"}[$__range]))))',
                    "{{code}}",
                ),
            ),
            responder.said((24, 8)),
        ],
    )


def _drills() -> Section:
    return Section(
        "Which drills were there?",
        [
            timeline(
                Look(
                    "Which faults were switched on?",
                    "A drill's fault of a service, while it lasts. One that stays on when no drill"
                    " runs was forgotten: DELETE /faults of that instance.",
                    units.Short,
                    ["InstanceUnready", "DataServiceErrors"],
                    size=(12, 8),
                ),
                words.FAULT,
                asked("max by (kind) (fault_active)", "{{kind}}"),
            ),
            marks(
                Look(
                    "What was marked: drills, loads, decisions, actions?",
                    "The newest first. A click goes to its time.",
                    units.Short,
                    ["HealingExhausted"],
                    size=(12, 8),
                ),
                "alertdrill",
            ),
        ],
    )
