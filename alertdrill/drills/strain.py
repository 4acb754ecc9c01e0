"""Strain the host: `python -m alertdrill.drills.strain burn`, or `hog APPROACH LEAVE`.

It says a line when it is ready, begins when it is told a line, and ends with its standard input,
that is with the drills, whatever happens to them.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

# A tenth of the least that a small host has free, so that the last step stays small.
CHUNK = 64 * 1024 * 1024
# How often to look whether the share that is left is still what was asked for.
STEP = 0.05


def burn() -> None:
    """Keep every core busy, politely: whoever else wants to compute goes first."""
    _ready()
    os.nice(5)
    _on_every_core()
    _leave_with_input()
    while True:
        sum(range(10_000))


def hog(approach: float, leave: float) -> None:
    """Take memory until only `leave` (a share of all) is available, and hold it there.

    It is ready once only `approach` is: memory that was never touched takes seconds a GiB, and
    every core fetches some of it.
    """
    with contextlib.suppress(OSError):
        # Should it be too much after all, the kernel is to end this process and no other.
        Path("/proc/self/oom_score_adj").write_text("1000")
    first = os.getpid()
    _on_every_core()
    held = list(_taken(approach))
    while os.getpid() != first:
        if os.getppid() != first:
            os._exit(0)
        time.sleep(STEP)
    _ready()
    _leave_with_input()
    pause = threading.Event()
    while True:
        held += _taken(leave)
        pause.wait(STEP)


def _on_every_core() -> None:
    for _ in range(max(0, (os.cpu_count() or 1) - 1)):
        if os.fork() == 0:
            return


def _taken(leave: float) -> Iterator[mmap.mmap]:
    while (memory := psutil.virtual_memory()).available > leave * memory.total + CHUNK:
        # Populated by the kernel: twice as fast as to touch each page from here.
        yield mmap.mmap(-1, CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        sys.exit()


def _leave_with_input() -> None:
    def leave() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=leave, daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1] == "cpu_stress":
        burn()
    else:
        hog(*map(float, sys.argv[2:]))
