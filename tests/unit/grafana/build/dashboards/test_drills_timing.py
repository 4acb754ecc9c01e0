from __future__ import annotations

from grafana.build.dashboards.drills_timing import times
from tests.unit.grafana.build.built_panels import expressions, of


def test_last_times_outlive_a_restart() -> None:
    queries = expressions(of(times())["How long did each alert take the last time?"])
    assert ["last_over_time" in query for query in queries] == [True, True, True, False]


def test_every_phase_has_its_runs() -> None:
    queries = " ".join(query for panel in of(times()).values() for query in expressions(panel))
    for phase in (
        'phase="notified"',
        'phase="resolved"',
        "responder_action_duration_seconds",
        "pending",
    ):
        assert phase in queries
