"""What the tests of several modules start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.firedrill.drills.api import Api
from tests.unit.firedrill.drills.fakes import FakeRuntime


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(tmp_path)
