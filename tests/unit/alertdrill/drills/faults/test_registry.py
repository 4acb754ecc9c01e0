import pytest

from alertdrill.drills.faults.base import FaultKind
from alertdrill.drills.faults.instances import ServiceFault
from alertdrill.drills.faults.registry import KINDS
from apps.telemetry.faults import kinds as services


def service_faults() -> dict[str, FaultKind]:
    return {name: kind for name, kind in KINDS.items() if kind.fault is ServiceFault}


def test_services_know_the_same_kinds() -> None:
    assert set(service_faults()) == set(services.KINDS)


@pytest.mark.parametrize("name", sorted(service_faults()))
def test_kind_has_the_services_parameters(name: str) -> None:
    if name not in services.KINDS:
        pytest.skip("the services lack this kind: another test fails")
    assert {*KINDS[name].numbers} == {"probability", *services.KINDS[name].parameters}
    assert KINDS[name].scope == "instance"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_is_consistent_in_itself(kind: FaultKind) -> None:
    names = {*kind.numbers, *kind.choices}
    assert {*kind.required, *kind.rates, *kind.durations} <= names
    assert not {*kind.rates} & {*kind.durations}
    assert not names & {"kind", "target"}
    assert kind.description.endswith(".")


def test_rates_grow_and_durations_wait() -> None:
    scaled = {(name, *kind.rates, *kind.durations) for name, kind in KINDS.items()}
    assert {row for row in scaled if len(row) > 1} == {
        ("memory", "mib_per_second"),
        ("slow_scrape", "seconds"),
        ("kill", "every"),
        ("disk_fill", "share_per_second"),
    }
