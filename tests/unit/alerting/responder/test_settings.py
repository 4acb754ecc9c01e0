from __future__ import annotations

import pytest

from alerting.responder.settings import ResponderSettings
from apps.telemetry.environment import Environment
from apps.telemetry.errors import SettingsError


def test_three_missed_minutes_are_late() -> None:
    assert ResponderSettings.from_env(Environment({})).watchdog_timeout == 180


def test_runbooks_lie_beside_the_package() -> None:
    assert (ResponderSettings.from_env(Environment({})).runbooks_dir / "Watchdog.md").is_file()


@pytest.mark.parametrize("timeout", ["0", "soon", "nan"])
def test_bad_timeout_is_named(timeout: str) -> None:
    with pytest.raises(SettingsError, match="WATCHDOG_TIMEOUT"):
        ResponderSettings.from_env(Environment({"WATCHDOG_TIMEOUT": timeout}))
