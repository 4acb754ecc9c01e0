import pytest

from alertdrill.drills import blast_radius
from alertdrill.drills.fault_kinds import KINDS
from alertdrill.drills.model import FaultSpec
from alertdrill.drills.responder import PerformedAction


def restart(target: str) -> PerformedAction:
    return PerformedAction("Down", "restart", target.rpartition("-")[0], target, "done", 0.0, 1.0)


def scaling(kind: str, service: str) -> PerformedAction:
    return PerformedAction("Down", kind, service, service, "done", 0.0, 1.0)


DOWN = {"stop", "kill", "pause", "crash_loop", "hang", "crash", "unready", "memory"}


@pytest.mark.parametrize("kind", KINDS)
def test_restart_needs_a_fault_that_takes_down(kind: str) -> None:
    assert blast_radius.contains(FaultSpec(kind, "web-2"), restart("web-2")) is (kind in DOWN)


@pytest.mark.parametrize("kind", sorted(DOWN))
@pytest.mark.parametrize("unaffected", ["web-1", "web-22", "data-service-2"])
def test_unaffected_instance_is_never_restarted(kind: str, unaffected: str) -> None:
    assert not blast_radius.contains(FaultSpec(kind, "web-2"), restart(unaffected))


@pytest.mark.parametrize(("target", "allowed"), [("web-1", True), ("data-service-1", False)])
def test_fault_of_service_affects_each_instance(target: str, allowed: bool) -> None:
    assert blast_radius.contains(FaultSpec("hang", "web"), restart(target)) is allowed


@pytest.mark.parametrize("action", ["scale_out", "scale_in"])
@pytest.mark.parametrize(
    ("target", "service", "allowed"),
    [
        ("web", "web", True),
        ("web-2", "web", True),
        ("data-service-1", "data-service", True),
        # A client of a slow service waits for it with all its worker threads.
        ("data-service", "web", True),
        ("web", "data-service", False),
        ("lb", "web", False),
    ],
)
def test_affected_service_may_be_scaled(
    action: str, target: str, service: str, allowed: bool
) -> None:
    assert blast_radius.contains(FaultSpec("stop", target), scaling(action, service)) is allowed


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.scope == "none"])
def test_fault_of_host_may_saturate_any_service(kind: str) -> None:
    assert blast_radius.contains(FaultSpec(kind), scaling("scale_out", "web"))
    assert not blast_radius.contains(FaultSpec(kind), restart("web-1"))
