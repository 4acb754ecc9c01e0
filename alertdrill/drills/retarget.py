"""Run a drill on another service than the one that its file names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .faults.registry import KINDS
from .faults.stack import service_fault
from .model import STEADY, Drill, DrillError, LoadSpec


def retarget(drill: Drill, service: str, loads: Mapping[str, int]) -> Drill:
    """Return a drill with the fault, the load and the alert of another service.

    `loads` has the number of clients of each profile that keeps it constant. The profile of the
    service has its name; a fault of its process, such as `pause`, needs none.

    Raises `DrillError` if the drill is not about a service, or if its load is not the steady one.
    """
    own = drill.expect.labels.get("service", "")
    target = re.fullmatch(rf"{re.escape(own)}(-[0-9]+)?", drill.fault.target)
    if not own or target is None:
        raise DrillError(f"The drill {drill.alert} is not about one service: leave out --service.")
    if service == own:
        return drill
    steady = LoadSpec(shape=STEADY.shape, users=loads[STEADY.shape])
    if drill.load != steady:
        raise DrillError(f"The drill {drill.alert} needs a load that only {own} has.")
    if service not in loads and KINDS[drill.fault.kind].fault is service_fault:
        raise DrillError(
            f"The fault {drill.fault.kind} needs requests: add a profile {service} to"
            " loadtests/profiles.yml."
        )

    def renamed(text: str) -> str:
        return re.sub(rf"(?<![\w-]){re.escape(own)}(?![A-Za-z])", service, text)

    expect = drill.expect.model_copy(
        update={
            "labels": {name: renamed(value) for name, value in drill.expect.labels.items()},
            "affects": [renamed(name) for name in drill.expect.affects],
        }
    )
    backfill = [
        series.model_copy(update={"series": renamed(series.series)}) for series in drill.backfill
    ]
    fault = drill.fault.model_copy(update={"target": service + (target[1] or "")})
    changes = {"fault": fault, "expect": expect, "backfill": backfill}
    load = LoadSpec(shape=service, users=loads[service]) if service in loads else steady
    return drill.model_copy(
        update={**changes, "load": load, "description": renamed(drill.description)}
    )
