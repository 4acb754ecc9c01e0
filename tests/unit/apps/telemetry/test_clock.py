from __future__ import annotations

import pytest

from apps.telemetry.clock import Clock


def test_clock_has_no_skew_by_default() -> None:
    assert Clock(real=lambda: 1000.0).now() == 1000


@pytest.mark.parametrize("seconds", [10.0, -10.0, 0.5])
def test_clock_is_ahead_or_behind(seconds: float) -> None:
    clock = Clock(lambda: seconds, lambda: 1000.0)
    assert clock.now() == 1000 + seconds
    assert clock.apply_skew(2000.0) == 2000 + seconds


def test_clock_is_set_while_it_runs() -> None:
    clock = Clock(real=lambda: 1000.0)
    clock.skew = lambda: 5.0
    assert clock.now() == 1005
