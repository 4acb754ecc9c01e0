"""Made-up results of drills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.drills.result import Chart, DrillResult, IdealTime, Report

# 1 January 2026, 00:00 UTC.
BEGAN = 1767225600.0
Make = Callable[..., DrillResult]


def passed(**other: Any) -> DrillResult:
    """Return a drill from 0 s to 30 s, with its fault from 10 s to 20 s."""
    at = [BEGAN + second for second in range(31)]
    chart = Chart(
        expression='rate(errors_total{service="web"}[5s])',
        comparison=">",
        threshold="0.05",
        values=[Line({"service": "web"}, [(t, 0.5 if 12 <= t - BEGAN < 22 else 0) for t in at])],
        thresholds=[Line({}, [(t, 0.05) for t in at])],
    )
    fields: dict[str, Any] = {
        "alert": "WebHighErrorRate",
        "description": "Half of web's requests fail.",
        "fault": "errors on web (probability 0.5)",
        "severity": "page",
        "verdict": "passed",
        "reason": "",
        "began": BEGAN,
        "injected": BEGAN + 10,
        "removed": BEGAN + 20,
        "recovered_at": BEGAN + 20,
        "ended": BEGAN + 30,
        "times": {"pending": 2.0, "firing": 6.0, "notified": 7.5, "resolved": 8.0},
        "limits": {"notified": 15.0, "resolved": 20.0},
        "ideal": {"firing": IdealTime(4.0, 5.0, 6.0), "notified": IdealTime(5.0, 6.0, 7.0)},
        "queries": 3,
        "chart": chart,
    }
    return DrillResult(**{**fields, **other})


@pytest.fixture
def drill() -> Make:
    """Return a function that creates a result, with other values for some fields."""
    return passed


@pytest.fixture
def failed() -> DrillResult:
    return passed(
        alert="HighLatency",
        verdict="failed",
        reason="It did not fire: <no> data & \x00 more.",
        times={"pending": 2.0},
    )


@pytest.fixture
def aborted() -> DrillResult:
    return passed(
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


@pytest.fixture
def healed() -> DrillResult:
    """Return a drill whose fault the responder healed after 9 s, 7 s before it was undone."""
    return passed(
        alert="Saturated",
        removed=BEGAN + 26,
        recovered_at=BEGAN + 19,
        times={"pending": 2.0, "firing": 6.0, "notified": 7.5, "healed": 9.0, "resolved": 5.0},
        limits={"notified": 15.0, "healed": 41.0, "resolved": 20.0},
        heal="scale_out",
        actions=["scale_out of web", "scale_out of web", "scale_in of web"],
    )


@pytest.fixture
def skipped(aborted: DrillResult) -> DrillResult:
    return replace(aborted, alert="LogsMissing", verdict="skipped", reason="There is no loki.")


@pytest.fixture
def report(failed: DrillResult, aborted: DrillResult) -> Report:
    return Report(
        began=BEGAN,
        ended=BEGAN + 95,
        speed=12,
        runtime="native",
        stack="an ephemeral stack",
        results=[passed(), failed, aborted],
        notes=["An earlier run was cut off."],
    )
