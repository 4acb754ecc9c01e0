"""A drill of one service, for another one."""

from __future__ import annotations

from typing import Any

import pytest

from alertdrill.drills.loader import load_all
from alertdrill.drills.model import Drill, DrillError, LoadSpec
from alertdrill.drills.retarget import retarget

LOADS = {"steady": 24, "blog": 5}
DRILLS = load_all().drills


def blog(alert: str, **changes: Any) -> Drill:
    return retarget(DRILLS[alert].model_copy(update=changes), "blog", LOADS)


def test_instance_keeps_its_number() -> None:
    drill = blog("InstanceHung")
    assert drill.fault.target == "blog-2"
    assert drill.expect.labels == {"service": "blog", "instance": "blog-2", "severity": "ticket"}
    assert drill.load == LoadSpec(shape="blog", users=5)
    assert drill.description == "blog-2 is frozen."


def test_backfilled_series_are_those_of_the_service() -> None:
    drill = blog("AvailabilityBurnSlow")
    assert drill.fault.target == "blog"
    assert {series.series for series in drill.backfill} == {
        series.series.replace('"web"', '"blog"')
        for series in DRILLS["AvailabilityBurnSlow"].backfill
    }


def test_service_without_a_load_may_hang() -> None:
    drill = retarget(DRILLS["InstanceHung"], "shop", LOADS)
    assert (drill.fault.target, drill.load.shape) == ("shop-2", "steady")


def test_own_service_changes_nothing() -> None:
    drill = DRILLS["InstanceHung"]
    assert retarget(drill, "web", LOADS) is drill


@pytest.mark.parametrize(
    ("alert", "service", "message"),
    [
        ("NotificationsFailing", "blog", "The drill NotificationsFailing is not about one service"),
        ("HostDiskFilling", "blog", "The drill HostDiskFilling is not about one service"),
        ("Saturated", "blog", "The drill Saturated needs a load that only web has"),
        ("AvailabilityBurnSlow", "shop", "The fault errors needs requests: add a profile shop to"),
    ],
)
def test_drill_that_can_not_have_another_service_is_refused(
    alert: str, service: str, message: str
) -> None:
    with pytest.raises(DrillError, match=f"^{message}"):
        retarget(DRILLS[alert], service, LOADS)
