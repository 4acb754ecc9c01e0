from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.prometheus import ActiveAlert, RuleState
from alertdrill.clients.responder import ResponderClient
from alertdrill.drills.diagnose import explain_missing
from alertdrill.drills.model import Expectation
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import make_context, make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime


def rule(*states: str, query: str = "up < 1", error: str = "", **labels: str) -> RuleState:
    alerts = [ActiveAlert(state, labels or {"severity": "page"}, 0.0) for state in states]
    return RuleState(query, 60.0, error, alerts)


class Fakes:
    """A Prometheus and an Alertmanager with given states."""

    name = "Prometheus"
    language = "promql"

    def __init__(self, server: FakeServer, folder: Path) -> None:
        self.state: RuleState | None = rule()
        self.samples = [{"metric": {}, "value": [0, "0.123456"]}]
        self.active: list[Any] = []
        self.error: Exception | None = None
        self.since = 0.0
        self.context = make_context(
            FakeRuntime(folder),
            folder,
            prometheus=self,
            alertmanager=self,
            responder=ResponderClient(server.url),
            loki=None,
        )

    def rule(self, alert: str) -> RuleState | None:
        if self.error:
            raise self.error
        return self.state

    def query(self, promql: str) -> list[Any]:
        assert promql == "up"
        return self.samples

    def alerts(self, name: str) -> list[Any]:
        return self.active


@pytest.fixture
def fakes(server: FakeServer, tmp_path: Path) -> Fakes:
    return Fakes(server, tmp_path)


def explanation(fakes: Fakes, phase: str, **drill: Any) -> str:
    sentence = explain_missing(
        phase, make_drill(**drill), fakes.context, since=fakes.since, limit=12.34
    )
    begin = f"Down was not {phase} within 12.3 s: "
    assert sentence.startswith(begin)
    assert sentence.endswith(".")
    return sentence.removeprefix(begin)


UNDETECTED = (
    "the fault (pause on web-1) is on, but the rule does not detect it; its expression {}:"
    " the fault has no effect, or the rule is wrong."
)
OTHER_LABELS = "its rule raises {}, without the labels that the drill expects."
OVER = "it fired in Prometheus and was over before a notification was sent."


@pytest.mark.parametrize(
    ("phase", "state", "text"),
    [
        ("pending", rule(), UNDETECTED.format("returns 0.1235 and must be < 1")),
        ("pending", rule(query="absent(up)"), UNDETECTED.format("is empty")),
        ("pending", rule(error="many-to-many"), "its rule fails: many-to-many."),
        (
            *("pending", rule("firing", service="web", severity="ticket")),
            OTHER_LABELS.format("service=web, severity=ticket"),
        ),
        ("firing", rule("firing", severity="ticket"), OTHER_LABELS.format("severity=ticket")),
        ("firing", rule("pending"), "it is pending: its `for` of 60 s has not passed."),
        (
            *("firing", rule()),
            "it was pending and cleared: the fault was shorter than the rule's `for`.",
        ),
        (
            *("notified", rule("firing")),
            "it fires in Prometheus, but Alertmanager does not have it:"
            " the connection from Prometheus to Alertmanager is broken.",
        ),
        ("notified", rule("pending"), OVER),
        ("notified", rule(), OVER),
        ("notified", None, OVER),
        (
            *("resolved", rule("firing")),
            "the fault is over, but the rule still detects it;"
            " its expression returns 0.1235 and must be < 1.",
        ),
        ("resolved", rule(), "it resolved in Prometheus, but the responder was not notified."),
        ("healed", rule(), "web-1 did not restart by itself."),
    ],
)
def test_state_of_the_rule_is_explained(
    fakes: Fakes, server: FakeServer, phase: str, state: RuleState | None, text: str
) -> None:
    server.answers["/decisions"] = []
    fakes.state = state
    assert explanation(fakes, phase) == text


def test_expression_may_return_nothing(fakes: Fakes) -> None:
    fakes.samples = []
    assert "its expression returns nothing and must be < 1" in explanation(fakes, "pending")


@pytest.mark.parametrize("phase", ["pending", "firing", "resolved"])
def test_deleted_rule_is_explained(fakes: Fakes, phase: str) -> None:
    fakes.name, fakes.state = "Loki", None
    missing = "Loki has no such rule: it was deleted or is not loaded."
    assert explanation(fakes, phase) == missing


def active(*receivers: str, inhibited: bool = False) -> list[Any]:
    status = {"inhibitedBy": ["x"] if inhibited else []}
    return [{"status": status, "receivers": [{"name": name} for name in receivers]}]


@pytest.mark.parametrize(
    ("alerts", "text"),
    [
        (active("responder", inhibited=True), "another alert inhibits it"),
        (active("pager", "mail"), "routes it to pager, mail, not to the responder"),
        (active("responder"), "which did not store it"),
    ],
)
@pytest.mark.parametrize("watchdog", [503, {"missing": False}])  # at 503, it misses Watchdog
def test_each_link_to_the_responder_is_explained(
    fakes: Fakes, server: FakeServer, alerts: list[Any], text: str, watchdog: object
) -> None:
    server.answers["/watchdog"] = watchdog
    fakes.active = alerts
    assert text in explanation(fakes, "notified")


def test_alert_from_the_responders_poll_is_explained(fakes: Fakes, server: FakeServer) -> None:
    decided = {"alert": "Down", "reason": "it restarts web-1"}
    server.answers["/decisions"] = [{**decided, "decided_at": "2026-11-23T10:20:30.000Z"}]
    assert "which did not store it" in explanation(fakes, "notified")
    assert explanation(fakes, "notified").endswith("the responder's own poll saw it. It is over.")


def test_stopped_responder_is_explained(fakes: Fakes, server: FakeServer) -> None:
    fakes.active = active("responder")
    server.close()
    assert "the responder, which does not answer" in explanation(fakes, "notified")


def test_other_alert_was_not_raised(fakes: Fakes) -> None:
    expect = Expectation(notified="WatchdogMissing")
    sentence = explanation(fakes, "notified", expect=expect)
    assert sentence == "the responder did not raise WatchdogMissing."


HEAL = Expectation(labels={"severity": "page"}, heal="restart")


def action(**changed: Any) -> dict[str, object]:
    values = {"alert": "Down", "kind": "restart", "service": "web", "target": "web-1"}
    times = {"started_at": "2026-11-23T10:20:30.000Z", "finished_at": None}
    return {**values, **times, "state": "running", "dry_run": False, **changed}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({}, "the responder's restart of web-1 is running."),
        ({"state": "failed"}, "the responder's restart of web-1 is failed."),
        (
            {"state": "done"},
            "the responder's restart of web-1 is done, but had no effect there.",
        ),
        (
            {"kind": "scale_out", "target": "web", "state": "done"},
            "the responder did scale_out of web instead of restart.",
        ),
        (
            {"state": "done", "dry_run": True},
            "the responder only logs restart of web-1: set HEALING to let it act.",
        ),
    ],
)
def test_last_action_is_explained(
    fakes: Fakes, server: FakeServer, changed: dict[str, object], text: str
) -> None:
    server.answers["/actions"] = [action(alert="Other"), action(**changed), action(target="web-9")]
    assert explanation(fakes, "healed", expect=HEAL) == text


def test_reason_of_the_decision_is_shown(fakes: Fakes, server: FakeServer) -> None:
    decided = {"alert": "Down", "reason": "a human has paused it"}
    server.answers["/actions"] = [action(alert="Other")]
    server.answers["/decisions"] = [{**decided, "decided_at": "2026-11-23T10:20:30.000Z"}]
    assert (
        explanation(fakes, "healed", expect=HEAL)
        == "the responder did nothing: a human has paused it."
    )
    server.answers["/decisions"] = []
    assert explanation(fakes, "healed", expect=HEAL) == (
        "the responder did nothing: it made no decision about this alert."
    )


def test_earlier_actions_are_another_drills(fakes: Fakes, server: FakeServer) -> None:
    fakes.since = 1795429231.0  # a second later
    server.answers["/actions"] = [action()]
    server.answers["/decisions"] = [
        {"alert": "Down", "reason": "no", "decided_at": "2026-11-23T10:20:30.000Z"}
    ]
    assert "it made no decision" in explanation(fakes, "healed", expect=HEAL)


def test_alert_may_fire_after_the_healing(fakes: Fakes) -> None:
    fakes.state = rule("firing")
    sentence = explanation(fakes, "resolved", expect=HEAL)
    assert sentence.startswith(
        "the service was healed, but the rule still detects it; its expression returns"
    )


def test_unreachable_component_is_the_reason(fakes: Fakes) -> None:
    fakes.error = UnreachableError("http://x does not answer.")
    for phase in ("pending", "firing", "resolved"):
        assert explanation(fakes, phase) == "http://x does not answer."
