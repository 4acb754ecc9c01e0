from __future__ import annotations

from pathlib import Path

import pytest

from alerting.responder.errors import PolicyError
from alerting.responder.healing.policy_loader import load_policy
from alerting.responder.settings import POLICY
from apps.telemetry.errors import SettingsError

LIMITS = """\
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
    loaded = load_policy(POLICY)
    assert loaded.rule_for("InstanceHung", {}).action == "restart"
    assert loaded.exclusions == []


def test_durations_are_seconds(tmp_path: Path) -> None:
    limits = load_policy(policy(tmp_path, LIMITS + ALERTS)).limits
    assert (limits.window, limits.cooldown, limits.scale_in_stabilization) == (1800, 30, 3600)


def test_restart_has_options(tmp_path: Path) -> None:
    options = "min_firing: 1m, grace_period: 0s, even_if_ready: true"
    text = f"  Hung: {{action: restart, reason: so, {options}}}\n"
    rule = load_policy(policy(tmp_path, LIMITS + ALERTS + text)).rule_for("Hung", {})
    assert (rule.min_firing, rule.grace_period, rule.even_if_ready) == (60, 0, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the policy is empty."),
        ("alerts: {}\n", "1: 'limits' is missing."),
        ("- a\n", "1: expected a mapping with limits, exclusions, alerts."),
        (
            LIMITS + "alert: {}\n",
            "10: unknown key 'alert': known keys are limits, exclusions, alerts.",
        ),
        (LIMITS + ALERTS + ALERTS, "12: duplicate key 'alerts'."),
        (LIMITS.replace("8", "0") + ALERTS, "2: '0' must be a whole number of 1 or more."),
        (LIMITS.replace("8", "many") + ALERTS, "2: 'many' must be a whole number of 1 or more."),
        (LIMITS.replace("30m", "30") + ALERTS, "3: '30' must be a duration such as"),
        (
            LIMITS.replace("factor: 2", "factor: 0.5") + ALERTS,
            "5: '0.5' must be a number of 1 or more.",
        ),
        (LIMITS + "alerts:\n  Down: {action: reboot, reason: so}\n", "11: 'reboot' must be one of"),
        (LIMITS + "alerts:\n  Down: {action: none}\n", "11: 'reason' is missing."),
        (LIMITS + "alerts:\n  Down: {action: none, reason: ''}\n", "11: expected a text."),
        (LIMITS + "alerts:\n  Down: []\n", "11: an alert needs an action, which may be `none`."),
        (
            LIMITS + "alerts:\n  Down: {action: scale_out, reason: so, grace_period: 1s}\n",
            "11: 'grace_period' is not valid with scale_out.",
        ),
        (
            LIMITS + "alerts:\n  Down: {action: restart, reason: so, grace_period: 2m}\n",
            "11: a grace period is at most 60s: no runtime waits longer.",
        ),
        (
            LIMITS + "alerts:\n  Down:\n    - {action: none, reason: a}\n"
            "    - {action: restart, reason: b}\n",
            "12: an entry without labels matches always: the entries after it have no effect.",
        ),
        (
            LIMITS + ALERTS + "exclusions:\n  - {labels: {}, reason: so}\n",
            "13: an exclusion without labels would match everything: pause the responder instead.",
        ),
        (LIMITS + "alerts: {Down: {\n", "11: "),
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
