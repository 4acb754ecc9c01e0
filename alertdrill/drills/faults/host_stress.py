"""Stress the host's CPU or memory, as a process of its own that never outlives the drill's.

`python -m alertdrill.drills.faults.host_stress cpu_stress`
`python -m alertdrill.drills.faults.host_stress memory_pressure INITIAL_AVAILABLE AVAILABLE`

It prints a line when it is ready, starts when it reads one, and exits when its input closes.
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

# A tenth of the free memory of a small host, so that the last step is small.
CHUNK = 64 * 1024 * 1024
# How often to compare the available memory with the target.
POLL_INTERVAL_S = 0.05


def stress_cpu() -> None:
    """Keep every core busy with a low priority: other processes go first."""
    await_start()
    os.nice(5)
    _fork_per_core()
    exit_with_input()
    while True:
        sum(range(10_000))


def press_memory(initial_available: float, available: float) -> None:
    """Allocate memory until only the fraction `available` is left, and keep it so.

    The process is ready when the fraction `initial_available` is left. Memory that was never used
    takes seconds per GiB, so every core allocates a part of it.
    """
    with contextlib.suppress(OSError):
        # If the memory runs out, the kernel must kill this process and no other.
        Path("/proc/self/oom_score_adj").write_text("1000")
    parent = os.getpid()
    _fork_per_core()
    chunks = list(_allocate(initial_available))
    while os.getpid() != parent:
        if os.getppid() != parent:
            os._exit(0)
        time.sleep(POLL_INTERVAL_S)
    await_start()
    exit_with_input()
    while True:
        chunks += _allocate(available)
        time.sleep(POLL_INTERVAL_S)


def _fork_per_core() -> None:
    for _ in range(1, os.cpu_count() or 1):
        if os.fork() == 0:
            return


def _allocate(available: float) -> Iterator[mmap.mmap]:
    while (memory := psutil.virtual_memory()).available > available * memory.total + CHUNK:
        # The kernel populates the pages, twice as fast as this process could touch each of them.
        yield mmap.mmap(-1, CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)


def await_start() -> None:
    """Print that the process is ready, and wait for a line; exit if there is none."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        sys.exit()


def exit_with_input() -> None:
    """Exit once the input closes, in a thread of its own."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1] == "cpu_stress":
        stress_cpu()
    else:
        press_memory(*map(float, sys.argv[2:]))
