from pathlib import Path

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.docker_client import Container


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path)


def container(instance: str, state: str = "running", health: str = "healthy") -> Container:
    service, _, number = instance.rpartition("-")
    pid = 7 if state in ("running", "paused") else None
    return Container(f"alertdrill-{instance}", service, int(number), state, health, pid, 0.0)
