"""The files that repeat a service's objective and limits agree with apps/services.yml."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from alertdrill.config.services import SERVICES, Service
from alertdrill_telemetry.metrics import BUCKETS
from tests.contract.conftest import ROOT
from tests.contract.dashboards import FILES

OBJECTIVE, MEMORY = "service:objective:ratio", "service:memory_limit:bytes"
SERIES = "service:series_limit:count"
SLI, SATURATION = "prometheus/rules/sli.yml", "prometheus/rules/saturation.yml"
COMPOSE = "docker-compose.yml"


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


@pytest.mark.parametrize(
    ("file", "record", "others"),
    # The responder exposes the same metrics as a service, and has no entry in apps/services.yml.
    [(SLI, OBJECTIVE, set()), (SATURATION, MEMORY, set()), (SATURATION, SERIES, {"responder"})],
)
def test_rules_have_every_service_and_no_other(file: str, record: str, others: set[str]) -> None:
    assert set(rules(file, record)) == {*SERVICES, *others}


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_latency_limit_is_a_bound_of_the_histogram(service: Service) -> None:
    assert service.latency_limit in BUCKETS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dashboard_reads_the_limits_of_memory_from_the_rules(file: Any) -> None:
    text = file.read_text()
    repeated = [name for name, one in SERVICES.items() if str(one.memory_limit) in text]
    assert not repeated, f"{file.name} repeats the memory_limit of {repeated}: query {MEMORY}"
