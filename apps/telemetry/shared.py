"""A few numbers that the arbiter and all workers of one instance see alike."""

from __future__ import annotations

import mmap


def shared_numbers() -> memoryview[float]:
    """Return a page of zeros, 512 floats, that processes forked from now on share.

    It is anonymous memory: it needs no file, dies with the instance, and a process that is
    killed while it writes leaves no lock behind.
    """
    return memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")


# Made at import: the server's configuration imports this in the arbiter, before it forks.
DRAIN = shared_numbers()
FAULTS = shared_numbers()
