"""What the last report says, for a run that tries again what did not pass."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import DrillError
from ..outcome import FINE


def not_passed(home: Path) -> list[str]:
    """Return the alerts whose drills did not pass in the newest report below `home`.

    Raises `DrillError` where there is no report, or where all of it passed.
    """
    reports = sorted((home / "drills").glob("*/report.json"))
    if not reports:
        raise DrillError("There is no report of a run yet: run the drills without --last-failed.")
    try:
        outcomes = json.loads(reports[-1].read_text(encoding="utf-8"))["outcomes"]
        found = [str(each["alert"]) for each in outcomes if each["verdict"] not in FINE]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DrillError(
            f"{reports[-1]} can't be read: run the drills without --last-failed."
        ) from error
    if not found:
        raise DrillError("Every drill of the last run passed: there is nothing to try again.")
    return found
