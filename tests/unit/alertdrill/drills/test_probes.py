from typing import Any

import pytest

from alertdrill.drills.clients import ActiveAlert, RuleState
from alertdrill.drills.drill import Expectation, FaultSpec
from alertdrill.drills.errors import UnmetError
from alertdrill.drills.probes import Probes
from alertdrill.drills.responder import PerformedAction, ReceivedAlert
from tests.unit.alertdrill.drills.fakes import FakeRuntime, a_drill, instance
from tests.unit.alertdrill.drills.http_server import FakeServer

PAGE = {"severity": "page"}


def told(alert: str = "Down", at: float = 50.0, **changed: Any) -> ReceivedAlert:
    values = {"status": "firing", "severity": "page", "labels": PAGE, "annotations": {}, **changed}
    return ReceivedAlert(alert, received_at=at, **values)


class Fakes:
    """What Prometheus and the journal have seen."""

    def __init__(self) -> None:
        self.active: list[ActiveAlert] = []
        self.loaded = True
        self.notes: list[ReceivedAlert] = []
        self.asked: list[tuple[float, dict[str, str]]] = []
        self.acted: list[PerformedAction] = []

    def rule(self, alert: str) -> RuleState | None:
        return RuleState("up", 0.0, 5.0, "", self.active) if self.loaded else None

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        self.asked.append((since, filters))
        return self.notes

    def actions(self, since: float) -> list[PerformedAction]:
        self.asked.append((since, {}))
        return self.acted


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


def seeing(fakes: Any, runtime: Any, **drill: Any) -> Probes:
    probes = Probes(a_drill(**drill), fakes, fakes, runtime)
    probes.since = 40.0
    return probes


@pytest.fixture
def probes(fakes: Fakes, runtime: FakeRuntime) -> Probes:
    return seeing(fakes, runtime)


def test_pending_is_the_earliest(fakes: Fakes, probes: Probes) -> None:
    assert probes.pending() is None
    fakes.active = [ActiveAlert("firing", PAGE, 45.0, "1"), ActiveAlert("pending", PAGE, 43.0, "1")]
    assert probes.pending() == 43.0


def test_firing_is_not_yet_pending(fakes: Fakes, probes: Probes) -> None:
    fakes.active = [ActiveAlert("pending", PAGE, 45.0, "1")]
    assert probes.firing() is None
    fakes.active.append(ActiveAlert("firing", PAGE, 45.0, "1"))
    assert probes.firing()
    assert probes.severity == "page"


def test_other_labels_do_not_count(fakes: Fakes, probes: Probes) -> None:
    fakes.active = [ActiveAlert("firing", {"severity": "ticket"}, 45.0, "1")]
    fakes.notes = [told(labels={"severity": "ticket"}), told("Other"), told(status="resolved")]
    assert (probes.pending(), probes.firing(), probes.notified()) == (None, None, None)


def test_absent_rule_sees_nothing(fakes: Fakes, probes: Probes) -> None:
    fakes.loaded = False
    assert probes.pending() is None


def test_journal_is_asked_since_fault(fakes: Fakes, probes: Probes) -> None:
    earlier = told(at=45.0, status="resolved")
    fakes.notes = [earlier, told(at=50.0), told(at=60.0), told(at=70.0, status="resolved")]
    assert probes.notified() == 50.0
    assert probes.resolved() == 70.0
    assert fakes.asked[0] == (40.0, {"alert": "Down", "status": "firing"})


def test_another_alert_arrives_instead(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = seeing(fakes, runtime, expect=Expectation(notified="WatchdogMissing"))
    fakes.notes = [told(), told("WatchdogMissing", at=55.0)]
    assert probes.notified() == 55.0


def test_runbooks_link_must_live(fakes: Fakes, probes: Probes, server: FakeServer) -> None:
    fakes.notes = [told(annotations={"runbook_url": f"{server.url}/runbooks/Down"})]
    with pytest.raises(UnmetError, match=r"runbook link answers 404: http"):
        probes.notified()
    server.answers["/runbooks/Down"] = {}
    assert probes.notified() == 50.0
    server.close()
    with pytest.raises(UnmetError, match="link of the notification is dead"):
        probes.notified()


def test_restart_replaces_every_process(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = seeing(fakes, runtime, fault=FaultSpec("crash", "web"))
    runtime.running = [
        instance("web-1", pid=1),
        instance("web-2", pid=2),
        instance("web-3", pid=None, state="standby"),
    ]
    probes.snapshot_processes()
    assert probes.restarted() is None
    runtime.running[0] = instance("web-1", pid=11)
    assert probes.restarted() is None
    runtime.running[1] = instance("web-2", pid=22, state="starting")
    assert probes.restarted() is None
    runtime.running[1] = instance("web-2", pid=22)
    assert probes.restarted()


def acted(kind: str = "restart", target: str = "web-1", **changed: Any) -> PerformedAction:
    values = {"alert": "Down", "state": "done", "began": 50.0, "ended": 55.0, **changed}
    return PerformedAction(
        kind=kind, service=target.rpartition("-")[0] or target, target=target, **values
    )


def healing(fakes: Any, runtime: Any, heal: str) -> Probes:
    probes = seeing(fakes, runtime, expect=Expectation(heal=heal))
    probes.snapshot_processes()
    return probes


def test_supervisor_heals_without_action(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = healing(fakes, runtime, "supervisor")
    assert probes.healed() is None
    runtime.running[0] = instance("web-1", pid=11)
    assert probes.healed()
    assert fakes.asked == []


def test_restart_needs_both_signs(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = healing(fakes, runtime, "restart")
    fakes.acted = [acted()]
    assert probes.healed() is None  # it says that it did, and the process is the same
    fakes.acted = []
    runtime.running[0] = instance("web-1", pid=11)
    assert probes.healed() is None  # it was somebody else
    fakes.acted = [acted(alert="Other")]  # of several alerts about it, any may have it done
    assert probes.healed() == 55.0
    assert fakes.asked[-1] == (40.0, {})


@pytest.mark.parametrize("heal", ["scale_out", "scale_in"])
def test_first_scaling_heals(fakes: Fakes, runtime: FakeRuntime, heal: str) -> None:
    probes = healing(fakes, runtime, heal)
    assert probes.healed() is None
    fakes.acted = [acted(heal, "web"), acted(heal, "web", ended=80.0)]
    assert probes.healed() == 55.0


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "scale_in"},
        {"state": "acting", "ended": None},
        {"state": "failed"},
        {"state": "cancelled"},
        {"dry_run": True},
    ],
)
def test_other_actions_heal_nothing(
    fakes: Fakes, runtime: FakeRuntime, other: dict[str, Any]
) -> None:
    fakes.acted = [acted(**{"kind": "scale_out", "target": "web", **other})]
    assert healing(fakes, runtime, "scale_out").healed() is None


def test_another_alert_may_have_it_scaled(fakes: Fakes, runtime: FakeRuntime) -> None:
    fakes.acted = [acted("scale_out", "web", alert="Other")]
    assert healing(fakes, runtime, "scale_out").healed() == 55.0


def test_touched_stranger_is_named(fakes: Fakes, probes: Probes) -> None:
    fakes.acted = [acted(), acted("scale_out", "web")]
    assert probes.check_blast_radius() == fakes.acted
    assert fakes.asked == [(40.0, {})]
    # Whatever became of it.
    fakes.acted.append(acted(target="web-2", alert="Slow", state="failed"))
    with pytest.raises(UnmetError) as error:
        probes.check_blast_radius()
    assert str(error.value) == (
        "The responder did restart of web-2 for Slow, which the fault (pause on web-1)"
        " does not affect."
    )


def test_absent_target_never_restarts(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = seeing(fakes, runtime, fault=FaultSpec("crash", "gone"))
    probes.snapshot_processes()
    assert probes.restarted() is None


def test_fault_pages_only_once(fakes: Fakes, probes: Probes) -> None:
    fakes.notes = [told(), told(), told("Ticket", severity="ticket")]
    probes.check_single_page()
    assert fakes.asked[-1] == (40.0, {"status": "firing", "severity": "page"})
    fakes.notes.append(told("Also"))
    with pytest.raises(UnmetError, match=r"^One fault paged 2 times \(Also, Down\): let one inhi"):
        probes.check_single_page()
