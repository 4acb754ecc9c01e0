from __future__ import annotations

from pathlib import Path

import pytest

from alerting.responder.errors import PolicyError
from alerting.responder.healing.read_policy import read
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


def test_the_committed_policy_is_valid() -> None:
    found = read(POLICY)
    assert found.wish("InstanceHung", {}).action == "restart"
    assert found.exclusions == []


def test_durations_are_seconds(tmp_path: Path) -> None:
    limits = read(policy(tmp_path, LIMITS + ALERTS)).limits
    assert (limits.window, limits.cooldown, limits.scale_in_stabilization) == (1800, 30, 3600)


def test_a_restart_has_options(tmp_path: Path) -> None:
    options = "min_firing: 1m, grace_period: 0s, even_if_ready: true"
    text = f"  Hung: {{action: restart, reason: so, {options}}}\n"
    wish = read(policy(tmp_path, LIMITS + ALERTS + text)).wish("Hung", {})
    assert (wish.min_firing, wish.grace_period, wish.even_if_ready) == (60, 0, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: the policy is empty."),
        ("alerts: {}\n", "1: 'limits' is missing."),
        ("- a\n", "1: a mapping is wanted here, with limits, exclusions, alerts."),
        (LIMITS + "alert: {}\n", "10: there is no 'alert': there are limits, exclusions, alerts."),
        (LIMITS + ALERTS + ALERTS, "12: 'alerts' is there twice."),
        (LIMITS.replace("8", "0") + ALERTS, "2: '0' is no whole number of 1 or more."),
        (LIMITS.replace("8", "many") + ALERTS, "2: 'many' is no whole number of 1 or more."),
        (LIMITS.replace("30m", "30") + ALERTS, "3: '30' is no duration: it takes such as"),
        (
            LIMITS.replace("factor: 2", "factor: 0.5") + ALERTS,
            "5: '0.5' is no number of 1 or more.",
        ),
        (LIMITS + "alerts:\n  Down: {action: reboot, reason: so}\n", "11: 'reboot' is none of"),
        (LIMITS + "alerts:\n  Down: {action: none}\n", "11: 'reason' is missing."),
        (LIMITS + "alerts:\n  Down: {action: none, reason: ''}\n", "11: a text is wanted here."),
        (LIMITS + "alerts:\n  Down: []\n", "11: an alert needs an action, which may be `none`."),
        (
            LIMITS + "alerts:\n  Down: {action: scale_out, reason: so, grace_period: 1s}\n",
            "11: 'grace_period' does not go with scale_out.",
        ),
        (
            LIMITS + "alerts:\n  Down: {action: restart, reason: so, grace_period: 2m}\n",
            "11: a grace is 60s at most: no runtime waits longer.",
        ),
        (
            LIMITS + "alerts:\n  Down:\n    - {action: none, reason: a}\n"
            "    - {action: restart, reason: b}\n",
            "12: a rule without labels matches always: what follows it never counts.",
        ),
        (
            LIMITS + ALERTS + "exclusions:\n  - {labels: {}, reason: so}\n",
            "13: no labels would excuse everybody: pause the responder instead.",
        ),
        (LIMITS + "alerts: {Down: {\n", "11: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = policy(tmp_path, text)
    with pytest.raises(PolicyError) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}:{says}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.yml can't be read"):
        read(tmp_path / "none.yml")


def test_a_bad_policy_ends_the_start() -> None:
    assert issubclass(PolicyError, SettingsError)
