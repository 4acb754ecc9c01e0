"""Memory that the arbiter and all workers of an instance share."""

from __future__ import annotations

import mmap

SIZE = 1024


def shared_counters() -> memoryview[float]:
    """Return 1,024 floats, all 0, that this process shares with its later forks.

    It is anonymous memory: it needs no file and ends with the instance. A process that is killed
    during a write leaves no lock behind.
    """
    return memoryview(mmap.mmap(-1, SIZE * 8)).cast("d")


# Created at import: the server's configuration imports this module in the arbiter before it forks.
DRAIN = shared_counters()
FAULTS = shared_counters()
STDOUT = shared_counters()
