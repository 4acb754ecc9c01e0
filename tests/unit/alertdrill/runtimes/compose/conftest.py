from pathlib import Path

import pytest

from alertdrill.config.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path)
