import json
from dataclasses import replace
from pathlib import Path

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.variables import merge_flags, render_overlay, settings_variables

MODEL = {
    "services": {
        "prometheus": {"command": ["--config.file=p.yml", "--rules.alert.resend-delay=15s"]},
        "blackbox-exporter": {"command": ["--config.file=b.yml"]},
        "loki": {"command": ["-config.file=l.yml"]},
    }
}


def test_normal_stack_needs_no_overlay(settings: StackSettings) -> None:
    assert render_overlay(settings, MODEL) is None


def test_speed_changes_the_flags(settings: StackSettings) -> None:
    text = render_overlay(replace(settings, speed=10.0, ephemeral=True), MODEL)
    assert text
    command = json.loads(text)["services"]["prometheus"]["command"]
    assert "--config.file=p.yml" in command
    assert "--rules.alert.resend-delay=1500ms" in command
    assert "--rules.alert.resend-delay=15s" not in command
    assert "--web.enable-admin-api" in command
    assert "-ruler.resend-delay=1500ms" in json.loads(text)["services"]["loki"]["command"]


def test_series_of_other_stacks_are_safe(settings: StackSettings) -> None:
    assert "admin-api" not in str(render_overlay(replace(settings, speed=10.0), MODEL))


def test_flag_replaces_one_of_the_same_name() -> None:
    assert merge_flags(["a", "--x=1", "--y=2"], ["--x=3"]) == ["a", "--y=2", "--x=3"]


def test_healing_is_passed_on() -> None:
    variables = settings_variables(
        StackSettings(Path("/h"), heal={"web": False}, healing="dry-run")
    )
    assert (variables["HEAL_WEB"], variables["HEAL_DATA_SERVICE"], variables["HEALING"]) == (
        "0",
        "1",
        "dry-run",
    )
