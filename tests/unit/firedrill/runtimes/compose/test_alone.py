from dataclasses import replace
from pathlib import Path

import pytest

from firedrill.runtimes.compose.alone import alone
from firedrill.runtimes.compose.errors import EngineError
from firedrill.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path / "one", cache=tmp_path / "cache")


def test_second_run_is_refused_whatever_its_folder(settings: StackSettings) -> None:
    other = replace(settings, home=settings.home / "other")
    with alone(settings), pytest.raises(EngineError, match="Another run has the containers of"):
        alone(other).__enter__()
    with alone(other):
        pass


def test_other_projects_do_not_wait(settings: StackSettings) -> None:
    with alone(settings), alone(replace(settings, project="another")):
        pass
