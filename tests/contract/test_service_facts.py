"""The files that repeat a service's objective and limits agree with apps/services.yml."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from alertdrill.config.services import SERVICES, Service
from alertdrill.drills.loader import load_all
from alertdrill.drills.model import Drill
from alertdrill_telemetry.metrics import BUCKETS
from tests.contract.conftest import ROOT
from tests.contract.dashboards import FILES

OBJECTIVE, MEMORY = "service:objective:ratio", "service:memory_limit:bytes"
SERIES = "service:series_limit:count"
SLI, SATURATION = "prometheus/rules/sli.yml", "prometheus/rules/saturation.yml"
COMPOSE = "docker-compose.yml"
DRILLS = load_all().drills
# The drills whose requests are slow on purpose; those of the others are within the limit.
SLOW = {"HighLatency", "LatencyBurnFast", "LatencyBurnSlow"}
DELAYED = [drill for drill in DRILLS.values() if drill.fault.kind == "latency"]


def rules(file: str, record: str) -> dict[str, dict[str, Any]]:
    """Return the rules with this record that a file has, by service."""
    groups = yaml.safe_load((ROOT / file).read_text())["groups"]
    matches = [rule for group in groups for rule in group["rules"] if rule.get("record") == record]
    by_service = {rule["labels"]["service"]: rule for rule in matches}
    assert len(by_service) == len(matches), f"{file}: a service has two rules {record}"
    return by_service


def constant(rule: dict[str, Any]) -> float:
    """Return the number that a rule records."""
    match = re.fullmatch(r"vector\(([0-9.]+)\)", rule["expr"])
    assert match, f"{rule['expr']} is not vector(NUMBER)"
    return float(match[1])


def memory_of_container(service: str) -> int:
    """Return the memory limit of a container of Docker Compose in bytes; its M are MiB."""
    declared = yaml.safe_load((ROOT / COMPOSE).read_text())["services"][service]["deploy"]
    return int(declared["resources"]["limits"]["memory"].removesuffix("M")) * 2**20


# What repeats a fact: the file, the key of the service, and how to read it for a service.
PLACES: list[tuple[str, str, Callable[[str], float]]] = [
    (SLI, "objective", lambda name: constant(rules(SLI, OBJECTIVE)[name])),
    (SLI, "latency_limit", lambda name: float(rules(SLI, OBJECTIVE)[name]["labels"]["le"])),
    (SATURATION, "memory_limit", lambda name: constant(rules(SATURATION, MEMORY)[name])),
    (SATURATION, "series_limit", lambda name: constant(rules(SATURATION, SERIES)[name])),
    (COMPOSE, "memory_limit", memory_of_container),
]


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
@pytest.mark.parametrize(("file", "key", "read"), PLACES, ids=[" ".join(at[:2]) for at in PLACES])
def test_place_repeats_the_fact(
    service: Service, file: str, key: str, read: Callable[[str], float]
) -> None:
    written, declared = read(service.name), getattr(service, key)
    assert written == declared, (
        f"{file}: {key} of {service.name} is {written:.10g},"
        f" and {declared:.10g} in apps/services.yml"
    )


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_container_runs_the_server_of_the_service(service: Service) -> None:
    commands = {
        "gunicorn": ["gunicorn", "--config", "python:alertdrill_telemetry.gunicorn_conf"],
        "granian": None,  # that of the image
    }
    declared = yaml.safe_load((ROOT / COMPOSE).read_text())["services"][service.name]
    expected = commands[service.server]
    assert declared.get("command") == expected, (
        f"{COMPOSE}: server of {service.name} is {service.server} in apps/services.yml:"
        f" {f'write command: {expected}' if expected else 'remove command'}"
    )


@pytest.mark.parametrize(
    ("file", "record", "others"),
    # Both expose the same metrics as a service, and have no entry in apps/services.yml.
    [
        (SLI, OBJECTIVE, set()),
        (SATURATION, MEMORY, set()),
        (SATURATION, SERIES, {"responder", "control"}),
    ],
)
def test_rules_have_every_service_and_no_other(file: str, record: str, others: set[str]) -> None:
    assert set(rules(file, record)) == {*SERVICES, *others}


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_latency_limit_is_a_bound_of_the_histogram(service: Service) -> None:
    assert service.latency_limit in BUCKETS


def target(drill: Drill) -> Service:
    """Return the service that a drill's fault affects."""
    name = drill.fault.target
    return SERVICES.get(name) or SERVICES[name.rpartition("-")[0]]


@pytest.mark.parametrize("drill", DELAYED, ids=lambda drill: drill.alert)
def test_latency_of_a_drill_is_on_its_side_of_the_limit(drill: Drill) -> None:
    seconds, limit = drill.fault.parameters["seconds"], target(drill).latency_limit
    # The latency objective is met if one request in 20 is slow.
    is_slow = seconds > limit and (drill.fault.parameters.get("probability") or 1.0) > 0.05
    assert is_slow == (drill.alert in SLOW), (
        f"drills/{drill.alert}.yml: {seconds:g} s, and a latency_limit of {limit:g} s"
    )


def test_drill_exceeds_the_limit_of_series() -> None:
    drill = DRILLS["CardinalityHigh"]
    assert drill.fault.parameters["series"] > target(drill).series_limit


def test_drill_reaches_half_of_the_memory_limit_in_time() -> None:
    """MemoryLeak needs half of the limit; an instance has about 40 MiB after its start."""
    drill = DRILLS["MemoryLeak"]
    needed = target(drill).memory_limit / 2**20 / 2 - 40
    growth = drill.fault.parameters["mib_per_second"] * drill.crossing.slowest
    assert min(growth, drill.fault.parameters["mib"]) >= needed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dashboard_reads_the_limits_of_memory_from_the_rules(file: Any) -> None:
    text = file.read_text()
    repeated = [name for name, one in SERVICES.items() if str(one.memory_limit) in text]
    assert not repeated, f"{file.name} repeats the memory_limit of {repeated}: query {MEMORY}"
