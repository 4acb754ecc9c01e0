from __future__ import annotations

import os

from apps.telemetry.shared_counters import shared_counters


def test_forked_processes_share_the_counters() -> None:
    numbers = shared_counters()
    assert not any(numbers)
    child = os.fork()
    if not child:
        numbers[511] = 2.5
        os._exit(0)
    os.waitpid(child, 0)
    assert numbers[511] == 2.5
