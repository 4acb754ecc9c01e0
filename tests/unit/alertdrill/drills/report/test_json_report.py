from __future__ import annotations

import json
import math
from dataclasses import replace

from alertdrill.drills.report.json_report import to_json
from alertdrill.drills.result import Chart, DrillResult, Line, Report

from .conftest import BEGAN, Make


def test_everything_is_there(report: Report) -> None:
    found = json.loads(to_json(report))
    assert (found["passed"], found["speed"], found["runtime"]) == (False, 12, "native")
    assert [each["verdict"] for each in found["results"]] == ["passed", "failed", "aborted"]
    assert found["results"][0]["ratio"] == 1.2
    assert found["results"][0]["chart"]["values"][0]["labels"] == {"service": "web"}


def test_healing_is_there_too(report: Report, healed: DrillResult) -> None:
    [found] = json.loads(to_json(replace(report, results=[healed])))["results"]
    assert (found["heal"], found["recovered_at"], found["times"]["healed"]) == (
        "scale_out",
        BEGAN + 19,
        9,
    )
    assert found["actions"] == ["scale_out of web", "scale_out of web", "scale_in of web"]


def test_what_json_cannot_say_is_null(report: Report, drill: Make) -> None:
    chart = Chart("a", values=[Line({}, [(BEGAN, math.nan), (BEGAN + 1, math.inf)])])
    found = json.loads(to_json(replace(report, results=[drill(chart=chart)])))
    points = found["results"][0]["chart"]["values"][0]["points"]
    assert points == [[BEGAN, None], [BEGAN + 1, None]]
