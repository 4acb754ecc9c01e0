"""The JSON report of a run: write it, and read the failed drills of the last one."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import DrillError
from ..result import ACCEPTED_VERDICTS, Report


def to_json(report: Report) -> str:
    """Return the report as JSON, with each drill's `ratio` and whether all `passed`.

    Times are seconds since 1970, durations are seconds. Numbers that are not finite become null.
    """
    fields = asdict(report)
    for result, item in zip(report.results, fields["results"], strict=True):
        item["ratio"] = result.ratio
    return json.dumps(_finite({"passed": report.passed, **fields}), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def failed_alerts(home: Path) -> list[str]:
    """Return the alerts whose drills did not pass in the newest report below `home`.

    Raises `DrillError` if there is no report, or if all drills of it passed.
    """
    reports = sorted((home / "drills").glob("*/report.json"))
    if not reports:
        raise DrillError("No report of an earlier run: run the drills without --last-failed.")
    try:
        results = json.loads(reports[-1].read_text(encoding="utf-8"))["results"]
        failed = [
            str(item["alert"]) for item in results if item["verdict"] not in ACCEPTED_VERDICTS
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DrillError(
            f"{reports[-1]} is not a readable report: run the drills without --last-failed."
        ) from error
    if not failed:
        raise DrillError("Every drill of the last run passed: there is nothing to run again.")
    return failed
