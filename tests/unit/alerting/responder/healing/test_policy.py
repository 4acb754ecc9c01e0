from __future__ import annotations

from alerting.responder.healing.policy import Exclusion, HealingRule, Policy, PolicyEntry, matches
from tests.unit.alerting.responder.healing.samples import LIMITS

OURS = HealingRule("restart", "ours", min_firing=60, grace_period=5)
POLICY = Policy(
    LIMITS,
    [Exclusion({"instance": "web-3"}, "under investigation")],
    {
        "InstanceDown": [
            PolicyEntry({"job": "services"}, OURS),
            PolicyEntry({}, HealingRule("none", "another's")),
        ]
    },
)


def test_first_matching_entry_applies() -> None:
    assert POLICY.rule_for("InstanceDown", {"job": "services", "service": "web"}) == OURS
    assert POLICY.rule_for("InstanceDown", {"job": "stack"}).reason == "another's"


def test_unknown_alert_has_no_action() -> None:
    assert POLICY.rule_for("Unheard", {}) == HealingRule(
        "none", "the policy has no entry for this alert"
    )


def test_exclusion_has_its_reason() -> None:
    reason = POLICY.exclusion_reason({"service": "web", "instance": "web-3"})
    assert reason == "the policy excludes it: under investigation"
    assert POLICY.exclusion_reason({"instance": "web-1"}) == ""


def test_speed_divides_durations_but_no_grace_period() -> None:
    faster = POLICY.compressed(12)
    assert (faster.limits.window, faster.limits.scale_in_stabilization) == (50, 5)
    rule = faster.rule_for("InstanceDown", {"job": "services"})
    assert (rule.min_firing, rule.grace_period) == (5, 5)
    assert faster.limits.budget == LIMITS.budget


def test_labels_match_by_value() -> None:
    assert matches({}, {"a": "1"})
    assert not matches({"a": "1"}, {"a": "2"})
    assert not matches({"a": "1"}, {})
