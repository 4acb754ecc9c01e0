"""Ephemeral stacks of killed runs are found by their labels, and removed with their volumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.base import project_lock
from alertdrill.runtimes.compose import leftovers
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.compose.runtime import ComposeRuntime
from alertdrill.runtimes.engine import EngineClient

OWN, OTHER = str(ROOT), "/somewhere/else"


class LabelledEngine(EngineClient):
    """An engine whose containers are (project, folder) pairs, and whose volumes have a project."""

    def __init__(self, containers: list[tuple[str, str]], volumes: list[str]) -> None:
        super().__init__("unix:///nowhere")
        self.pages: dict[str, Any] = {
            "/containers/json": [
                {"Labels": {leftovers.PROJECT_LABEL: name, leftovers.FOLDER_LABEL: folder}}
                for name, folder in containers
            ],
            # The engine answers null without volumes.
            "/volumes": {
                "Volumes": [{"Labels": {leftovers.PROJECT_LABEL: name}} for name in volumes] or None
            },
        }

    def request(
        self, method: str, path: str, query: Mapping[str, object] | None = None, **_: Any
    ) -> bytes:
        assert method == "GET"
        assert query
        assert json.loads(str(query["filters"])) == {"label": ["com.docker.compose.project"]}
        assert path != "/containers/json" or query["all"] == 1
        return json.dumps(self.pages[path]).encode()


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path, project="mine", cache=tmp_path / "cache")


def found(settings: StackSettings, engine: EngineClient) -> list[str]:
    return [str(stack) for stack in leftovers.find(engine, settings)]


def test_killed_stack_is_found_with_its_containers_and_volumes(settings: StackSettings) -> None:
    engine = LabelledEngine([("mine-ephemeral", OWN)] * 22, ["mine-ephemeral"] * 15)
    assert found(settings, engine) == ["mine-ephemeral (22 containers, 15 volumes)"]


def test_volumes_alone_are_found(settings: StackSettings) -> None:
    engine = LabelledEngine([("mine", OWN)], ["mine", "mine-ephemeral"])
    assert found(settings, engine) == ["mine-ephemeral (0 containers, 1 volume)"]


def test_stack_of_another_name_belongs_to_its_checkout(settings: StackSettings) -> None:
    engine = LabelledEngine([("a-ephemeral", OWN), ("b-ephemeral", OTHER)], [])
    assert found(settings, engine) == ["a-ephemeral (1 container, 0 volumes)"]


def test_stack_of_the_user_is_no_leftover(settings: StackSettings) -> None:
    assert found(settings, LabelledEngine([("mine", OWN)], ["mine"])) == []


@pytest.fixture
def runtime(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> ComposeRuntime:
    runtime = ComposeRuntime(settings)
    engine = LabelledEngine([("mine-ephemeral", OWN)] * 2, ["mine-ephemeral"])
    vars(runtime._project)["engine"] = engine
    monkeypatch.setattr(ComposeRuntime, "_require_engine", lambda _: None)
    return runtime


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the Compose commands that are run, with their project."""
    commands: list[list[str]] = []

    def run(project: ComposeProject, *arguments: str, **_: object) -> str:
        commands.append([project.settings.project, *arguments])
        return ""

    monkeypatch.setattr(ComposeProject, "run", run)
    return commands


def test_down_removes_the_killed_stack_and_says_so(
    runtime: ComposeRuntime, commands: list[list[str]]
) -> None:
    messages: list[str] = []
    runtime.down(messages.append)
    assert commands == [
        ["mine", "down", "--remove-orphans"],
        ["mine-ephemeral", "down", "--remove-orphans", "--volumes"],
    ]
    assert any("removing mine-ephemeral (2 containers, 1 volume)" in text for text in messages)


def test_down_leaves_the_stack_of_a_run_in_progress(
    runtime: ComposeRuntime, commands: list[list[str]], settings: StackSettings
) -> None:
    messages: list[str] = []
    with project_lock(replace(settings, project="mine-ephemeral")):
        runtime.down(messages.append)
    assert [command[0] for command in commands] == ["mine"]
    assert any("A run of drills uses the ephemeral stack" in text for text in messages)


def test_status_names_the_killed_stack(runtime: ComposeRuntime) -> None:
    [sentence] = runtime.ephemeral_stacks()
    assert sentence == (
        "A killed run has left the ephemeral stack mine-ephemeral (2 containers, 1 volume):"
        " `alertdrill down` removes it."
    )


def test_ephemeral_stack_removes_only_itself(
    settings: StackSettings, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ComposeRuntime, "_require_engine", lambda _: None)
    monkeypatch.setattr(leftovers, "find", lambda *_: pytest.fail("it looks for others"))
    ComposeRuntime(replace(settings, project="mine-ephemeral", ephemeral=True)).down(lambda _: None)
    assert [command[0] for command in commands] == ["mine-ephemeral"]
