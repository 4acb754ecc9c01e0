from typing import Any

import pytest

from alertdrill.drills.ask import Active, RuleState
from alertdrill.drills.drill import Expectation, FaultSpec
from alertdrill.drills.errors import UnmetError
from alertdrill.drills.journal import Acted, Told
from alertdrill.drills.witness import Witness
from tests.unit.alertdrill.drills.api import Api
from tests.unit.alertdrill.drills.fakes import FakeRuntime, a_drill, instance

PAGE = {"severity": "page"}


def told(alert: str = "Down", at: float = 50.0, **changed: Any) -> Told:
    values = {"status": "firing", "severity": "page", "labels": PAGE, "annotations": {}, **changed}
    return Told(alert, at=at, **values)


class Fakes:
    """What Prometheus and the journal have seen."""

    def __init__(self) -> None:
        self.active: list[Active] = []
        self.loaded = True
        self.notes: list[Told] = []
        self.asked: list[tuple[float, dict[str, str]]] = []
        self.acted: list[Acted] = []

    def rule(self, alert: str) -> RuleState | None:
        return RuleState("up", 0.0, 5.0, "", self.active) if self.loaded else None

    def told(self, since: float, **filters: str) -> list[Told]:
        self.asked.append((since, filters))
        return self.notes

    def actions(self, since: float) -> list[Acted]:
        self.asked.append((since, {}))
        return self.acted


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


def seeing(fakes: Any, runtime: Any, **drill: Any) -> Witness:
    witness = Witness(a_drill(**drill), fakes, fakes, runtime)
    witness.since = 40.0
    return witness


@pytest.fixture
def witness(fakes: Fakes, runtime: FakeRuntime) -> Witness:
    return seeing(fakes, runtime)


def test_pending_is_the_earliest(fakes: Fakes, witness: Witness) -> None:
    assert witness.pending() is None
    fakes.active = [Active("firing", PAGE, 45.0, "1"), Active("pending", PAGE, 43.0, "1")]
    assert witness.pending() == 43.0


def test_firing_is_not_yet_pending(fakes: Fakes, witness: Witness) -> None:
    fakes.active = [Active("pending", PAGE, 45.0, "1")]
    assert witness.firing() is None
    fakes.active.append(Active("firing", PAGE, 45.0, "1"))
    assert witness.firing()
    assert witness.severity == "page"


def test_other_labels_do_not_count(fakes: Fakes, witness: Witness) -> None:
    fakes.active = [Active("firing", {"severity": "ticket"}, 45.0, "1")]
    fakes.notes = [told(labels={"severity": "ticket"}), told("Other"), told(status="resolved")]
    assert (witness.pending(), witness.firing(), witness.told()) == (None, None, None)


def test_absent_rule_sees_nothing(fakes: Fakes, witness: Witness) -> None:
    fakes.loaded = False
    assert witness.pending() is None


def test_journal_is_asked_since_fault(fakes: Fakes, witness: Witness) -> None:
    earlier = told(at=45.0, status="resolved")
    fakes.notes = [earlier, told(at=50.0), told(at=60.0), told(at=70.0, status="resolved")]
    assert witness.told() == 50.0
    assert witness.resolved() == 70.0
    assert fakes.asked[0] == (40.0, {"alert": "Down", "status": "firing"})


def test_another_alert_arrives_instead(fakes: Fakes, runtime: FakeRuntime) -> None:
    witness = seeing(fakes, runtime, expect=Expectation(notified="WatchdogMissing"))
    fakes.notes = [told(), told("WatchdogMissing", at=55.0)]
    assert witness.told() == 55.0


def test_runbooks_link_must_live(fakes: Fakes, witness: Witness, api: Api) -> None:
    fakes.notes = [told(annotations={"runbook_url": f"{api.url}/runbooks/Down"})]
    with pytest.raises(UnmetError, match=r"runbook's link answers 404: http"):
        witness.told()
    api.answers["/runbooks/Down"] = {}
    assert witness.told() == 50.0
    api.close()
    with pytest.raises(UnmetError, match="link in the notification is dead"):
        witness.told()


def test_restart_replaces_every_process(fakes: Fakes, runtime: FakeRuntime) -> None:
    witness = seeing(fakes, runtime, fault=FaultSpec("crash", "web"))
    runtime.found = [
        instance("web-1", pid=1),
        instance("web-2", pid=2),
        instance("web-3", pid=None, state="standby"),
    ]
    witness.remember()
    assert witness.restarted() is None
    runtime.found[0] = instance("web-1", pid=11)
    assert witness.restarted() is None
    runtime.found[1] = instance("web-2", pid=22, state="starting")
    assert witness.restarted() is None
    runtime.found[1] = instance("web-2", pid=22)
    assert witness.restarted()


def acted(kind: str = "restart", target: str = "web-1", **changed: Any) -> Acted:
    values = {"alert": "Down", "state": "done", "began": 50.0, "ended": 55.0, **changed}
    return Acted(kind=kind, service=target.rpartition("-")[0] or target, target=target, **values)


def healing(fakes: Any, runtime: Any, heal: str) -> Witness:
    witness = seeing(fakes, runtime, expect=Expectation(heal=heal))
    witness.remember()
    return witness


def test_supervisor_heals_without_action(fakes: Fakes, runtime: FakeRuntime) -> None:
    witness = healing(fakes, runtime, "supervisor")
    assert witness.healed() is None
    runtime.found[0] = instance("web-1", pid=11)
    assert witness.healed()
    assert fakes.asked == []


def test_restart_needs_both_signs(fakes: Fakes, runtime: FakeRuntime) -> None:
    witness = healing(fakes, runtime, "restart")
    fakes.acted = [acted()]
    assert witness.healed() is None  # it says that it did, and the process is the same
    fakes.acted = []
    runtime.found[0] = instance("web-1", pid=11)
    assert witness.healed() is None  # it was somebody else
    fakes.acted = [acted(alert="Other")]  # of several alerts about it, any may have it done
    assert witness.healed() == 55.0
    assert fakes.asked[-1] == (40.0, {})


@pytest.mark.parametrize("heal", ["scale_out", "scale_in"])
def test_first_scaling_heals(fakes: Fakes, runtime: FakeRuntime, heal: str) -> None:
    witness = healing(fakes, runtime, heal)
    assert witness.healed() is None
    fakes.acted = [acted(heal, "web"), acted(heal, "web", ended=80.0)]
    assert witness.healed() == 55.0


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


def test_touched_stranger_is_named(fakes: Fakes, witness: Witness) -> None:
    fakes.acted = [acted(), acted("scale_out", "web")]
    assert witness.touched() == fakes.acted
    assert fakes.asked == [(40.0, {})]
    # Whatever became of it.
    fakes.acted.append(acted(target="web-2", alert="Slow", state="failed"))
    with pytest.raises(UnmetError) as error:
        witness.touched()
    assert str(error.value) == (
        "The responder did restart of web-2 for Slow, which the fault (pause on web-1) did not"
        " strike."
    )


def test_absent_target_never_restarts(fakes: Fakes, runtime: FakeRuntime) -> None:
    witness = seeing(fakes, runtime, fault=FaultSpec("crash", "gone"))
    witness.remember()
    assert witness.restarted() is None


def test_fault_pages_only_once(fakes: Fakes, witness: Witness) -> None:
    fakes.notes = [told(), told(), told("Ticket", severity="ticket")]
    witness.one_page()
    assert fakes.asked[-1] == (40.0, {"status": "firing", "severity": "page"})
    fakes.notes.append(told("Also"))
    with pytest.raises(UnmetError, match=r"^One fault paged 2 times \(Also, Down\): let one inhi"):
        witness.one_page()
