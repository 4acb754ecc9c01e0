"""What depends on a service's objective and limits agrees with apps/services.yml."""

from __future__ import annotations

import re
from typing import Any

import pytest

from alertdrill.config import service as service_module
from alertdrill.config.derived import stale_files
from alertdrill.config.service import Service
from alertdrill.config.services import SERVICES
from alertdrill.drills.expression import PROMETHEUS_RULES, rule_groups
from alertdrill.drills.loader import load_all
from alertdrill.drills.model import Drill
from alertdrill_telemetry.metrics import BUCKETS
from tests.contract.dashboards import FILES

MEMORY = "service:memory_limit:bytes"
DRILLS = load_all().drills
# The alerts about slow requests, whose drills exceed the limit; those of the others are within it.
ABOUT_SLOW_REQUESTS = re.compile(r"flask_http_request_duration_seconds_bucket|requests_slow")
SLOW = {
    rule["alert"]
    for group in rule_groups(PROMETHEUS_RULES)
    for rule in group["rules"]
    if "alert" in rule and ABOUT_SLOW_REQUESTS.search(rule["expr"])
}
DELAYED = [drill for drill in DRILLS.values() if drill.fault.kind == "latency"]


def test_derived_files_are_current() -> None:
    assert stale_files(SERVICES) == []


def test_latency_objectives_are_the_buckets_of_the_library() -> None:
    assert service_module.BUCKETS == BUCKETS


def target(drill: Drill) -> Service:
    """Return the service that a drill's fault affects."""
    name = drill.fault.target
    return SERVICES.get(name) or SERVICES[name.rpartition("-")[0]]


@pytest.mark.parametrize("drill", DELAYED, ids=lambda drill: drill.alert)
def test_latency_of_a_drill_is_on_its_side_of_the_limit(drill: Drill) -> None:
    seconds, limit = drill.fault.parameters["seconds"], target(drill).objective.latency
    # The latency objective is met if one request in 20 is slow.
    is_slow = seconds > limit and (drill.fault.parameters.get("probability") or 1.0) > 0.05
    assert is_slow == (drill.alert in SLOW), (
        f"drills/{drill.alert}.yml: {seconds:g} s, and an objective of {limit:g} s"
    )


def test_drill_exceeds_the_limit_of_series() -> None:
    drill = DRILLS["CardinalityHigh"]
    assert drill.fault.parameters["series"] > target(drill).limits.series


def test_drill_reaches_half_of_the_memory_limit_in_time() -> None:
    """MemoryLeak needs half of the limit; an instance has about 40 MiB after its start."""
    drill = DRILLS["MemoryLeak"]
    needed = target(drill).limits.memory / 2**20 / 2 - 40
    growth = drill.fault.parameters["mib_per_second"] * drill.crossing.slowest
    assert min(growth, drill.fault.parameters["mib"]) >= needed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dashboard_reads_the_limits_of_memory_from_the_rules(file: Any) -> None:
    text = file.read_text()
    repeated = [name for name, one in SERVICES.items() if str(one.limits.memory) in text]
    assert not repeated, f"{file.name} repeats the memory limit of {repeated}: query {MEMORY}"
