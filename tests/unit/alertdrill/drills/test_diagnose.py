from dataclasses import replace
from typing import Any

import pytest

from alertdrill.drills.clients import ActiveAlert, RuleState
from alertdrill.drills.diagnose import EXPLAIN, Parts, missing
from alertdrill.drills.drill import Expectation
from alertdrill.drills.errors import UnreachableError
from alertdrill.drills.expression import branches
from alertdrill.drills.outcome import PHASES
from tests.unit.alertdrill.drills.fakes import a_drill
from tests.unit.alertdrill.drills.http_server import FakeServer


def rule(*states: str, query: str = "up < 1", error: str = "", **labels: str) -> RuleState:
    alerts = [ActiveAlert(state, labels or {"severity": "page"}, 0.0, "1") for state in states]
    return RuleState(query, 60.0, 5.0, error, alerts)


class Fakes:
    """What Prometheus and Alertmanager say of the alert."""

    name = "Prometheus"
    branches = staticmethod(branches)

    def __init__(self, server: FakeServer) -> None:
        self.state: RuleState | None = rule()
        self.samples = [{"metric": {}, "value": [0, "0.123456"]}]
        self.held: list[Any] = []
        self.error: Exception | None = None
        fakes: Any = self
        self.parts = Parts(fakes, fakes, server.url)

    def rule(self, alert: str) -> RuleState | None:
        if self.error:
            raise self.error
        return self.state

    def query(self, promql: str) -> list[Any]:
        assert promql == "up"
        return self.samples

    def alerts(self, name: str) -> list[Any]:
        return self.held


@pytest.fixture
def fakes(server: FakeServer) -> Fakes:
    return Fakes(server)


def said(fakes: Fakes, phase: str, **drill: Any) -> str:
    sentence = missing(phase, a_drill(**drill), fakes.parts, 12.34)
    begin = f"Down was not {phase} within 12.3 s: "
    assert sentence.startswith(begin)
    assert sentence.endswith(".")
    return sentence.removeprefix(begin)


def test_every_phase_is_explained() -> None:
    assert set(EXPLAIN) == set(PHASES)


def test_unseen_fault_shows_both_sides(fakes: Fakes) -> None:
    assert said(fakes, "pending") == (
        "the fault is on (pause on web-1) but the rule does not see it; its expression gives"
        " 0.1235 and must be < 1, so either the fault does nothing or the rule looks elsewhere."
    )
    fakes.samples = []
    assert "its expression gives nothing and must be < 1" in said(fakes, "pending")


def test_expression_without_comparison_is_empty(fakes: Fakes) -> None:
    fakes.state = rule(query="absent(up)")
    assert "; its expression is empty, so" in said(fakes, "pending")


@pytest.mark.parametrize("phase", ["pending", "firing", "resolved"])
def test_deleted_rule_is_named_so(fakes: Fakes, phase: str) -> None:
    fakes.state = None
    assert "rule" in said(fakes, phase)


def test_evaluator_is_called_by_its_name(fakes: Fakes) -> None:
    fakes.name = "Loki"
    fakes.state = rule("firing")
    assert said(fakes, "notified").startswith("Loki fires it, but Alertmanager does not have it")
    fakes.state = None
    assert said(fakes, "pending").startswith("Loki has no such rule")


def test_failing_rule_says_its_error(fakes: Fakes) -> None:
    fakes.state = rule(error="many-to-many")
    assert said(fakes, "pending") == "its rule fails: many-to-many."


def test_other_labels_are_shown(fakes: Fakes) -> None:
    fakes.state = rule("firing", service="web", severity="ticket")
    assert said(fakes, "pending") == (
        "its rule sees service=web, severity=ticket, which lacks the labels that the drill expects."
    )


def test_pending_alert_waits_for_its_for(fakes: Fakes) -> None:
    fakes.state = rule("pending")
    assert said(fakes, "firing") == "it is pending: its `for` of 60 s is not over."
    fakes.state = rule()
    assert "went back" in said(fakes, "firing")


def test_firing_with_other_labels_is_told(fakes: Fakes) -> None:
    fakes.state = rule("firing", severity="ticket")
    assert "it is firing: its `for`" not in said(fakes, "firing")


def held(*receivers: str, inhibited: bool = False) -> list[Any]:
    status = {"inhibitedBy": ["x"] if inhibited else []}
    return [{"status": status, "receivers": [{"name": name} for name in receivers]}]


def test_each_link_to_journal_is_told(fakes: Fakes, server: FakeServer) -> None:
    fakes.state = rule("firing")
    assert "the way from Prometheus to Alertmanager is broken" in said(fakes, "notified")
    fakes.held = held("responder", inhibited=True)
    assert "another alert inhibits it" in said(fakes, "notified")
    fakes.held = held("nobody", "mail")
    assert "leads to nobody, mail, not to the responder" in said(fakes, "notified")
    fakes.held = held("responder")
    server.answers["/watchdog"] = 503  # it is there, and misses Watchdog
    assert "whose journal does not have it" in said(fakes, "notified")
    server.answers["/watchdog"] = {"missing": False}
    assert "whose journal does not have it" in said(fakes, "notified")


def test_alert_that_went_back_is_not_said_to_fire(fakes: Fakes, server: FakeServer) -> None:
    server.answers["/decisions"] = []
    for state in (rule(), rule("pending"), None):
        fakes.state = state
        found = said(fakes, "notified")
        assert found == "Prometheus fired it, and it was over before anybody was told of it."


def test_what_responder_found_by_itself_was_not_told(fakes: Fakes, server: FakeServer) -> None:
    decided = {"alert": "Down", "reason": "it restarts web-1"}
    server.answers["/decisions"] = [{**decided, "decided_at": "2026-11-23T10:20:30.000Z"}]
    assert "whose journal does not have it" in said(fakes, "notified")
    assert said(fakes, "notified").endswith("the responder looked and found it, and it is over.")


def test_absent_responder_is_told(fakes: Fakes, server: FakeServer) -> None:
    fakes.held = held("responder")
    server.close()
    assert "the responder, which does not answer" in said(fakes, "notified")


def test_other_alert_was_not_raised(fakes: Fakes) -> None:
    expect = Expectation(notified="WatchdogMissing")
    assert said(fakes, "notified", expect=expect) == "the responder did not raise WatchdogMissing."


def test_target_did_not_come_back(fakes: Fakes) -> None:
    assert said(fakes, "healed") == "web-1 did not come back by itself."


HEAL = Expectation({"severity": "page"}, heal="restart")


def action(**changed: Any) -> dict[str, object]:
    values = {"alert": "Down", "kind": "restart", "service": "web", "target": "web-1"}
    times = {"started_at": "2026-11-23T10:20:30.000Z", "finished_at": None}
    return {**values, **times, "state": "running", "dry_run": False, **changed}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "the responder's restart of web-1 is running."),
        ({"state": "failed"}, "the responder's restart of web-1 is failed."),
        (
            {"state": "done"},
            "the responder's restart of web-1 is done, and changed nothing there.",
        ),
        (
            {"kind": "scale_out", "target": "web", "state": "done"},
            "the responder did scale_out of web instead of restart.",
        ),
        (
            {"state": "done", "dry_run": True},
            "the responder only says that it would do restart of web-1 (HEALING).",
        ),
    ],
)
def test_last_action_is_told(
    fakes: Fakes, server: FakeServer, changed: dict[str, object], says: str
) -> None:
    server.answers["/actions"] = [action(alert="Other"), action(**changed), action(target="web-9")]
    assert said(fakes, "healed", expect=HEAL) == says


def test_reason_for_nothing_is_told(fakes: Fakes, server: FakeServer) -> None:
    decided = {"alert": "Down", "reason": "a human has paused it"}
    server.answers["/actions"] = [action(alert="Other")]
    server.answers["/decisions"] = [{**decided, "decided_at": "2026-11-23T10:20:30.000Z"}]
    assert said(fakes, "healed", expect=HEAL) == "the responder did nothing: a human has paused it."
    server.answers["/decisions"] = []
    assert said(fakes, "healed", expect=HEAL) == (
        "the responder did nothing: it has decided nothing about it."
    )


def test_earlier_actions_are_another_drills(fakes: Fakes, server: FakeServer) -> None:
    fakes.parts = replace(fakes.parts, since=1795429231.0)  # a second later
    server.answers["/actions"] = [action()]
    server.answers["/decisions"] = [
        {"alert": "Down", "reason": "no", "decided_at": "2026-11-23T10:20:30.000Z"}
    ]
    assert "it has decided nothing" in said(fakes, "healed", expect=HEAL)


def test_stuck_alert_was_healed_though(fakes: Fakes) -> None:
    fakes.state = rule("firing")
    found = said(fakes, "resolved", expect=HEAL)
    assert found.startswith("it was healed, but the rule still sees it; its expression gives")


def test_stuck_alert_shows_its_sides(fakes: Fakes) -> None:
    fakes.state = rule("firing")
    assert said(fakes, "resolved") == (
        "the fault is over, but the rule still sees it; its expression gives 0.1235 and must be"
        " < 1."
    )
    fakes.state = rule()
    assert said(fakes, "resolved") == "Prometheus resolved it, but the journal was not told."


def test_absent_part_is_the_reason(fakes: Fakes) -> None:
    fakes.error = UnreachableError("http://x does not answer.")
    for phase in ("pending", "firing", "resolved"):
        assert said(fakes, phase) == "http://x does not answer."
