from __future__ import annotations

from pathlib import Path

import pytest

from alertdrill_telemetry.errors import SettingsError
from alerting.responder.errors import PolicyError
from alerting.responder.healing.policy import Policy, load_policy
from alerting.responder.settings import ResponderSettings
from tests.unit.alerting.responder.healing.samples import rule

POLICY = """\
limits:
  budget: 8
  window: 30m
  cooldown: 30s
  backoff_factor: 2
  max_cooldown: 2m
  scale_out_stabilization: 30s
  scale_in_stabilization: 1h
  staleness: 60s
exclusions: {labels: {instance: web-3}, reason: under investigation}
alerts:
  Down:
    - {labels: {job: services}, action: restart, min_firing: 1m, grace_period: 5s, reason: ours}
    - {action: none, reason: another's}
  Hung: {action: restart, even_if_ready: true, reason: so}
"""
ALERTS = POLICY.partition("alerts:\n")[0] + "alerts:\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yml"


@pytest.fixture
def policy(file: Path) -> Policy:
    file.write_text(POLICY)
    return load_policy(file)


def test_committed_policy_is_valid() -> None:
    loaded = load_policy(ResponderSettings().policy)
    assert loaded.rule_for("InstanceHung", {}).action == "restart"
    assert list(loaded.exclusions) == []


def test_first_matching_entry_applies(policy: Policy) -> None:
    ours = policy.rule_for("Down", {"job": "services", "service": "web"})
    assert (ours.reason, ours.min_firing, ours.grace_period) == ("ours", 60, 5)
    assert not ours.even_if_ready
    assert policy.rule_for("Hung", {}).even_if_ready
    for labels in ({"job": "stack"}, {}):
        assert policy.rule_for("Down", labels).reason == "another's"


def test_unknown_alert_has_no_action(policy: Policy) -> None:
    assert policy.rule_for("Unheard", {}) == rule("none", "the policy has no entry for this alert")


def test_exclusion_has_its_reason(policy: Policy) -> None:
    reason = policy.exclusion_reason({"service": "web", "instance": "web-3"})
    assert reason == "the policy excludes it: under investigation"
    assert policy.exclusion_reason({"instance": "web-1"}) == ""


def test_speed_divides_durations_but_no_grace_period(policy: Policy, file: Path) -> None:
    limits = policy.limits
    assert (limits.window, limits.cooldown, limits.scale_in_stabilization) == (1800, 30, 3600)
    faster = load_policy(file, 12)
    limits = faster.limits
    assert (limits.window, limits.cooldown, limits.scale_in_stabilization) == (150, 2.5, 300)
    rule = faster.rule_for("Down", {"job": "services"})
    assert (rule.min_firing, rule.grace_period) == (5, 5)
    assert limits.budget == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: limits: Field required."),
        ("- a\n", "1: the document: Input should be a valid dictionary"),
        (f"{POLICY}alert: {{}}\n", "16: alert: unknown key, known keys are limits, "),
        (
            POLICY.replace("8", "0"),
            "2: limits.budget is '0': Input should be greater than 0.",
        ),
        (POLICY.replace("8", "many"), "2: limits.budget is 'many': Input should be a valid int"),
        (POLICY.replace("30m", "30"), "3: limits.window is '30': it must be a duration such as"),
        (
            POLICY.replace("factor: 2", "factor: 0.5"),
            "5: limits.backoff_factor is '0.5': Input should be greater than or equal to 1.",
        ),
        (
            f"{ALERTS}  Down: {{action: reboot, reason: so}}\n",
            "12: alerts.Down[0].action is 'reboot': Input should be 'restart', 'scale_out', ",
        ),
        (f"{ALERTS}  Down: {{action: none}}\n", "12: alerts.Down[0].reason: Field req"),
        (
            f"{ALERTS}  Down: {{action: none, reason: ''}}\n",
            "12: alerts.Down[0].reason: String should",
        ),
        (f"{ALERTS}  Down: []\n", "12: alerts.Down: an alert needs an action, which"),
        (
            f"{ALERTS}  Down: {{action: scale_out, reason: so, grace_period: 1s}}\n",
            "12: alerts.Down[0].grace_period: unknown key, known keys are labels, "
            "action, reason, min_firing.",
        ),
        (
            f"{ALERTS}  Down: {{action: restart, reason: so, grace_period: 2m}}\n",
            "12: alerts.Down[0].grace_period is '2m': it must be 60s or less, since no runtime",
        ),
        (
            f"{ALERTS}  Down:\n    - {{action: none, reason: a}}\n"
            "    - {action: restart, reason: b}\n",
            "13: alerts.Down: an entry without labels matches always: the entries after",
        ),
        (
            POLICY.replace("{instance: web-3}", "{}"),
            "10: exclusions[0].labels: without labels it matches everything: pause the",
        ),
        (
            POLICY.replace("true", "maybe"),
            "15: alerts.Hung[0].even_if_ready is 'maybe': Input should be a valid boolean",
        ),
        (f"{ALERTS}  Down: restart\n", "12: alerts.Down[0] is 'restart': Input should be a valid"),
        (f"{ALERTS[:-1]} [Down]\n", "11: alerts: Input should be a valid dict"),
        (
            f"{ALERTS}  Down: {{action: [none], reason: so}}\n",
            "12: alerts.Down[0].action: Input should be 'restart',",
        ),
        (
            f"{ALERTS}  Down:\n    action: none\n    reasons: a {{b}}\n    reason: b\n",
            "14: alerts.Down[0].reasons: unknown key, known keys are labels, action,",
        ),
        (
            f"{ALERTS}  Down: {{action: none, reason: so, labels: {{job: [a]}}}}\n",
            "12: alerts.Down[0].labels.job: Input should be a valid string.",
        ),
    ],
)
def test_error_has_its_line(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(PolicyError) as raised:
        load_policy(file)
    assert str(raised.value).startswith(f"{file}:{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{POLICY}alerts: {{}}\n", "duplicate key 'alerts' in \"{file}\", line 16,"),
        (f"{ALERTS[:-1]} {{Down: {{\n", 'in "{file}", line 12,'),
        (None, "No such file"),
    ],
)
def test_unreadable_file_is_named(file: Path, text: str | None, message: str) -> None:
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_policy(file)
    assert str(raised.value).startswith(f"The policy {file} can't be read: ")
    assert message.format(file=file) in str(raised.value)
