from __future__ import annotations

from alerting.responder.healing.policy import Excuse, Policy, Rule, matches
from alerting.responder.healing.wish import Wish
from tests.unit.alerting.responder.healing.samples import LIMITS

OURS = Wish("restart", "ours", min_firing=60, grace_period=5)
POLICY = Policy(
    LIMITS,
    [Excuse({"instance": "web-3"}, "it is being looked at")],
    {"InstanceDown": [Rule({"job": "services"}, OURS), Rule({}, Wish("none", "another's"))]},
)


def test_the_first_rule_that_matches_counts() -> None:
    assert POLICY.wish("InstanceDown", {"job": "services", "service": "web"}) == OURS
    assert POLICY.wish("InstanceDown", {"job": "stack"}).reason == "another's"


def test_an_unknown_alert_is_left_alone() -> None:
    assert POLICY.wish("Unheard", {}) == Wish("none", "the policy says nothing about it")


def test_excused_labels_have_their_reason() -> None:
    excuse = POLICY.excuse({"service": "web", "instance": "web-3"})
    assert excuse == "the policy excuses it: it is being looked at"
    assert POLICY.excuse({"instance": "web-1"}) == ""


def test_a_rehearsal_divides_durations_but_no_grace() -> None:
    faster = POLICY.at(12)
    assert (faster.limits.window, faster.limits.scale_in_stabilization) == (50, 5)
    wish = faster.wish("InstanceDown", {"job": "services"})
    assert (wish.min_firing, wish.grace_period) == (5, 5)
    assert faster.limits.budget == LIMITS.budget


def test_a_label_must_have_its_value() -> None:
    assert matches({}, {"a": "1"})
    assert not matches({"a": "1"}, {"a": "2"})
    assert not matches({"a": "1"}, {})
