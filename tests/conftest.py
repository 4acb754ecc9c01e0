"""Settings of all tests: generated examples, signals, and which tests share a worker."""

from __future__ import annotations

import os
import signal
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# Few examples in the quick tier, many in `make verify`. No deadline: a busy machine is slow now and
# then. No database: nothing is written beside the code.
settings.register_profile("quick", deadline=None, database=None, max_examples=25)
settings.register_profile("thorough", deadline=None, database=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# A shell starts its background jobs with SIGINT ignored, and the programs that tests start would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The files of tests/e2e whose tests use the shared stack.
SHARED_STACK = (
    "test_alertmanager_login",
    "test_audit",
    "test_container_hardening",
    "test_container_lifecycle",
    "test_engine_killed",
    "test_exposed_metrics",
    "test_load",
    "test_log_alerts",
    "test_log_delivery",
    "test_logs_command",
    "test_process_lifecycle",
    "test_request_counts",
    "test_slow_clients",
    "test_story",
)


class StackScheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types for it
    """Runs a file in one worker, and all files of the shared stack in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        path = PurePosixPath(file)
        shared = path.parent.name == "e2e" and path.stem in SHARED_STACK
        return "shared stack" if shared else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StackScheduling | None:
    """Start the shared stack once; options other than `--dist loadfile` keep their scheduler."""
    return StackScheduling(config, log) if config.getvalue("dist") == "loadfile" else None
