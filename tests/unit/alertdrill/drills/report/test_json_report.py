from __future__ import annotations

import json
import math
from dataclasses import replace

from alertdrill.drills.report.json_report import to_json
from alertdrill.drills.result import Chart, DrillResult, Line, Report

from .conftest import BEGAN, Make


def test_json_has_every_field(report: Report) -> None:
    document = json.loads(to_json(report))
    assert (document["passed"], document["speed"], document["runtime"]) == (False, 12, "native")
    assert [result["verdict"] for result in document["results"]] == ["passed", "failed", "aborted"]
    assert document["results"][0]["ratio"] == 1.2
    assert document["results"][0]["chart"]["values"][0]["labels"] == {"service": "web"}


def test_json_has_the_healing(report: Report, healed: DrillResult) -> None:
    [document] = json.loads(to_json(replace(report, results=[healed])))["results"]
    assert (document["heal"], document["recovered_at"], document["times"]["healed"]) == (
        "scale_out",
        BEGAN + 19,
        9,
    )
    assert document["actions"] == ["scale_out of web", "scale_out of web", "scale_in of web"]


def test_number_that_is_not_finite_is_null(report: Report, drill: Make) -> None:
    chart = Chart("a", values=[Line({}, [(BEGAN, math.nan), (BEGAN + 1, math.inf)])])
    document = json.loads(to_json(replace(report, results=[drill(chart=chart)])))
    points = document["results"][0]["chart"]["values"][0]["points"]
    assert points == [[BEGAN, None], [BEGAN + 1, None]]
