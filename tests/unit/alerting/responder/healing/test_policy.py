from __future__ import annotations

from pathlib import Path

import pytest

from alerting.responder.errors import PolicyError
from alerting.responder.healing.policy import Exclusion, Policy, load_policy, matches
from alerting.responder.settings import POLICY as COMMITTED
from apps.telemetry.errors import SettingsError
from tests.unit.alerting.responder.healing.samples import LIMITS, rule

OURS = rule("restart", "ours", labels={"job": "services"}, min_firing=60, grace_period=5)
POLICY = Policy(
    limits=LIMITS,
    exclusions=[Exclusion(labels={"instance": "web-3"}, reason="under investigation")],
    alerts={"InstanceDown": [OURS, rule("none", "another's")]},
)


def test_first_matching_entry_applies() -> None:
    assert POLICY.rule_for("InstanceDown", {"job": "services", "service": "web"}) == OURS
    assert POLICY.rule_for("InstanceDown", {"job": "stack"}).reason == "another's"


def test_unknown_alert_has_no_action() -> None:
    assert POLICY.rule_for("Unheard", {}) == rule("none", "the policy has no entry for this alert")


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


LIMITS_YML = """\
limits:
  budget: 8
  window: 30m
  cooldown: 30s
  backoff_factor: 2
  max_cooldown: 2m
  scale_out_stabilization: 30s
  scale_in_stabilization: 1h
  staleness: 60s
"""
ALERTS = "alerts:\n  Down: {action: none, reason: so}\n"


def policy(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "policy.yml"
    file.write_text(text)
    return file


def test_committed_policy_is_valid() -> None:
    loaded = load_policy(COMMITTED)
    assert loaded.rule_for("InstanceHung", {}).action == "restart"
    assert loaded.exclusions == []


def test_durations_are_seconds(tmp_path: Path) -> None:
    limits = load_policy(policy(tmp_path, LIMITS_YML + ALERTS)).limits
    assert (limits.window, limits.cooldown, limits.scale_in_stabilization) == (1800, 30, 3600)


def test_restart_has_options(tmp_path: Path) -> None:
    options = "min_firing: 1m, grace_period: 0s, even_if_ready: true"
    text = f"  Hung: {{action: restart, reason: so, {options}}}\n"
    rule = load_policy(policy(tmp_path, LIMITS_YML + ALERTS + text)).rule_for("Hung", {})
    assert (rule.min_firing, rule.grace_period, rule.even_if_ready) == (60, 0, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the policy is empty."),
        ("alerts: {}\n", "1: 'limits' is missing."),
        ("- a\n", "1: expected a mapping with limits, exclusions, alerts."),
        (
            LIMITS_YML + "alert: {}\n",
            "10: unknown key 'alert': known keys are limits, exclusions, alerts.",
        ),
        (LIMITS_YML + ALERTS + ALERTS, "12: duplicate key 'alerts'."),
        (LIMITS_YML.replace("8", "0") + ALERTS, "2: '0' must be a whole number of 1 or more."),
        (
            LIMITS_YML.replace("8", "many") + ALERTS,
            "2: 'many' must be a whole number of 1 or more.",
        ),
        (LIMITS_YML.replace("30m", "30") + ALERTS, "3: '30' must be a duration such as"),
        (
            LIMITS_YML.replace("factor: 2", "factor: 0.5") + ALERTS,
            "5: '0.5' must be a number of 1 or more.",
        ),
        (
            LIMITS_YML + "alerts:\n  Down: {action: reboot, reason: so}\n",
            "11: 'reboot' must be one of",
        ),
        (LIMITS_YML + "alerts:\n  Down: {action: none}\n", "11: 'reason' is missing."),
        (LIMITS_YML + "alerts:\n  Down: {action: none, reason: ''}\n", "11: expected a text."),
        (
            LIMITS_YML + "alerts:\n  Down: []\n",
            "11: an alert needs an action, which may be `none`.",
        ),
        (
            LIMITS_YML + "alerts:\n  Down: {action: scale_out, reason: so, grace_period: 1s}\n",
            "11: 'grace_period' is not valid with scale_out.",
        ),
        (
            LIMITS_YML + "alerts:\n  Down: {action: restart, reason: so, grace_period: 2m}\n",
            "11: '2m' is too long: a grace period is at most 60s, since no runtime waits longer.",
        ),
        (
            LIMITS_YML + "alerts:\n  Down:\n    - {action: none, reason: a}\n"
            "    - {action: restart, reason: b}\n",
            "12: an entry without labels matches always: the entries after it have no effect.",
        ),
        (
            LIMITS_YML + ALERTS + "exclusions:\n  - {labels: {}, reason: so}\n",
            "13: an exclusion without labels would match everything: pause the responder instead.",
        ),
        (
            LIMITS_YML + "alerts:\n  Hung: {action: restart, reason: so, even_if_ready: maybe}\n",
            "11: 'maybe' must be true or false.",
        ),
        (LIMITS_YML + "alerts:\n  Down: restart\n", "11: expected a mapping with labels, action,"),
        (LIMITS_YML + "alerts: [Down]\n", "10: expected a mapping with names."),
        (
            LIMITS_YML + "alerts:\n  Down: {action: [none], reason: so}\n",
            "11: 'action' must be one of restart, scale_out, scale_in, none.",
        ),
        (
            LIMITS_YML + "alerts:\n  Down:\n    action: none\n    reasons: a {b}\n    reason: b\n",
            "13: unknown key 'reasons': known keys are labels, action, reason, min_firing,",
        ),
        (
            LIMITS_YML + "alerts:\n  Down: {action: none, reason: so, labels: {job: [a]}}\n",
            "11: expected a text.",
        ),
        (LIMITS_YML + "alerts: {Down: {\n", "11: "),
    ],
)
def test_error_has_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = policy(tmp_path, text)
    with pytest.raises(PolicyError) as raised:
        load_policy(file)
    assert str(raised.value).startswith(f"{file}:{message}")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.yml can't be read"):
        load_policy(tmp_path / "none.yml")


def test_bad_policy_stops_the_start() -> None:
    assert issubclass(PolicyError, SettingsError)
