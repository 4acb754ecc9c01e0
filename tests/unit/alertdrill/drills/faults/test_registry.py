import pytest

from alertdrill.drills.faults.registry import KINDS, FaultKind
from alertdrill.drills.faults.stack import service_fault
from apps.telemetry.faults import kinds as services


def service_faults() -> dict[str, FaultKind]:
    return {name: kind for name, kind in KINDS.items() if kind.fault is service_fault}


def test_services_know_the_same_kinds() -> None:
    assert {
        name: kind.parameters.model_fields.keys() - {"kind", "target", "probability"}
        for name, kind in service_faults().items()
    } == {name: kind.parameters.keys() for name, kind in services.KINDS.items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_is_consistent_in_itself(kind: FaultKind) -> None:
    assert {*kind.rates, *kind.durations} <= kind.parameters.model_fields.keys()
    assert ("target" in kind.parameters.model_fields) is (kind.scope != "none")
    assert kind.description.endswith(".")
