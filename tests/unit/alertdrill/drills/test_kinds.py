import pytest

from alertdrill.drills.faults import RUNTIME_FAULTS
from alertdrill.drills.kinds import KINDS, FaultKind
from apps.telemetry.faults import kinds as services


def of_services() -> dict[str, FaultKind]:
    return {name: kind for name, kind in KINDS.items() if kind.of_services}


def test_services_know_the_same_kinds() -> None:
    assert set(of_services()) == set(services.KINDS)


@pytest.mark.parametrize("name", sorted(of_services()))
def test_kind_has_the_services_parameters(name: str) -> None:
    if name not in services.KINDS:
        pytest.skip("the services do not know it, which another test says")
    assert {*KINDS[name].numbers} == {"probability", *services.KINDS[name].parameters}
    assert KINDS[name].on == "services"


def test_every_other_kind_is_made() -> None:
    assert set(RUNTIME_FAULTS) == set(KINDS) - set(of_services())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_is_consistent_in_itself(kind: FaultKind) -> None:
    known = {*kind.numbers, *kind.words}
    assert {*kind.required, *kind.grows, *kind.waits} <= known
    assert not {*kind.grows} & {*kind.waits}
    assert not known & {"kind", "target"}
    assert kind.description.endswith(".")


def test_rates_grow_and_durations_wait() -> None:
    scaled = {(name, *kind.grows, *kind.waits) for name, kind in KINDS.items()}
    assert {row for row in scaled if len(row) > 1} == {
        ("memory", "mib_per_second"),
        ("slow_scrape", "seconds"),
        ("kill", "every"),
        ("disk_fill", "share_per_second"),
    }
