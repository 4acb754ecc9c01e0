"""Strain the host until standard input ends: `python -m firedrill.drills.strain burn|hog`.

It runs beside the drills, and ends with them whatever happens, for then its input ends too.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import sys
import threading
from pathlib import Path

import psutil

# A tenth of the least that a small host has free, so that the last step stays small.
CHUNK = 64 * 1024 * 1024
PAGE = mmap.PAGESIZE
# How often to look whether the share that is left is still what was asked for.
STEP = 0.05


def burn() -> None:
    """Keep every core busy, politely: whoever else wants to compute goes first."""
    os.nice(5)
    for _ in range(max(0, (os.cpu_count() or 1) - 1)):
        if os.fork() == 0:
            break
    threading.Thread(target=_leave_with_input, daemon=True).start()
    while True:
        sum(range(10_000))


def _leave_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def hog(leave: float) -> None:
    """Take memory until only `leave` (a share of all) is available, and hold it there."""
    with contextlib.suppress(OSError):
        # Should it be too much after all, the kernel is to end this process and no other.
        Path("/proc/self/oom_score_adj").write_text("1000")
    held: list[mmap.mmap] = []
    while not select.select([sys.stdin], [], [], STEP)[0]:
        memory = psutil.virtual_memory()
        while memory.available > leave * memory.total + CHUNK:
            held.append(_touched(CHUNK))
            memory = psutil.virtual_memory()


def _touched(size: int) -> mmap.mmap:
    block = mmap.mmap(-1, size)
    for place in range(0, size, PAGE):
        block[place] = 1
    return block


if __name__ == "__main__":
    if sys.argv[1] == "burn":
        burn()
    else:
        hog(float(sys.argv[2]))
