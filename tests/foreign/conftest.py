"""With `--dist loadscope`, all tests of an application run in one process, which starts it once."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

APPLICATIONS = "test_foreign_applications.py"


class ApplicationScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps the tests of an application together, whose name their ids begin with."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        name: str = test.partition("[")[2].partition("-")[0]
        return name if name and file.endswith(APPLICATIONS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ApplicationScheduling | None:
    """Return the scheduler; None for another kind of distribution."""
    if config.getoption("dist") != "loadscope":
        return None
    return ApplicationScheduling(config, log)
