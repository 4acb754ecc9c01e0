"""Made-up results of drills."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alertdrill.clients.prometheus import Line
from alertdrill.drills.result import Chart, DrillResult, IdealTime, Report

# 1 January 2026, 00:00 UTC.
BEGAN = 1767225600.0
_TIMES = [BEGAN + second for second in range(31)]
# A drill from 0 s to 30 s, with its fault from 10 s to 20 s.
PASSED = DrillResult(
    alert="WebHighErrorRate",
    description="Half of web's requests fail.",
    fault="errors on web (probability 0.5)",
    severity="page",
    verdict="passed",
    reason="",
    began=BEGAN,
    injected=BEGAN + 10,
    removed=BEGAN + 20,
    recovered_at=BEGAN + 20,
    ended=BEGAN + 30,
    times={"pending": 2.0, "firing": 6.0, "notified": 7.5, "resolved": 8.0},
    limits={"notified": 15.0, "resolved": 20.0},
    ideal={"firing": IdealTime(4.0, 5.0, 6.0), "notified": IdealTime(5.0, 6.0, 7.0)},
    queries=3,
    chart=Chart(
        expression='rate(errors_total{service="web"}[5s])',
        comparison=">",
        threshold="0.05",
        values=[Line({"service": "web"}, [(t, 0.5 * (12 <= t - BEGAN < 22)) for t in _TIMES])],
        thresholds=[Line({}, [(t, 0.05) for t in _TIMES])],
    ),
)
FAILED = replace(
    PASSED,
    alert="HighLatency",
    verdict="failed",
    reason="It did not fire: <no> data & \x00 more.",
    times={"pending": 2.0},
)
ABORTED = replace(
    PASSED,
    alert="NoTraffic",
    verdict="aborted",
    reason="There was no steady state.",
    injected=None,
    removed=None,
    recovered_at=None,
    times={},
    ideal={},
    chart=None,
)
SKIPPED = replace(ABORTED, alert="LogsMissing", verdict="skipped", reason="There is no loki.")
# The responder healed the fault after 9 s, 7 s before it was undone.
HEALED = replace(
    PASSED,
    alert="Saturated",
    removed=BEGAN + 26,
    recovered_at=BEGAN + 19,
    times={"pending": 2.0, "firing": 6.0, "notified": 7.5, "healed": 9.0, "resolved": 5.0},
    limits={"notified": 15.0, "healed": 41.0, "resolved": 20.0},
    heal="scale_out",
    actions=["scale_out of web", "scale_out of web", "scale_in of web"],
)


def report_of(*results: DrillResult, **fields: Any) -> Report:
    """Return the report of a run with these results."""
    run: dict[str, Any] = {
        "began": BEGAN,
        "ended": BEGAN + 95,
        "speed": 12,
        "runtime": "native",
        "stack": "an ephemeral stack",
        "results": results,
        "notes": ["An earlier run was cut off."],
    }
    return Report(**{**run, **fields})
