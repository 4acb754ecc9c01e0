from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.compose import run_drills_in_container
from alertdrill.runtimes.compose.project_lock import project_lock
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path / "one", cache=tmp_path / "cache")


def test_second_run_is_refused_whatever_its_folder(settings: StackSettings) -> None:
    other = replace(settings, home=settings.home / "other")
    with (
        project_lock(settings),
        pytest.raises(LockedError, match="Another run uses the containers of"),
    ):
        project_lock(other).__enter__()
    with project_lock(other):
        pass


def test_refused_run_changes_nothing(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    runtime = SimpleNamespace(down=lambda _: touched.append("down"))
    monkeypatch.setattr(run_drills_in_container, "ComposeRuntime", lambda _: runtime)
    with (
        project_lock(ephemeral_settings(settings, 12)),
        pytest.raises(LockedError, match="Another run"),
    ):
        run_drills_in_container.run_in_container(settings, ["drill", "run"], 12, lambda _: None)
    assert touched == []


def test_other_projects_do_not_wait(settings: StackSettings) -> None:
    with project_lock(settings), project_lock(replace(settings, project="another")):
        pass
