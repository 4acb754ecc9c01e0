"""The ephemeral stacks of this checkout that a killed run has left on the engine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...config import ROOT
from ...config.settings import StackSettings
from ...file_lock import LockedError
from ...timescale.ephemeral_stack_settings import EPHEMERAL_SUFFIX
from ..base import project_lock
from ..engine import LABEL, EngineClient

PROJECT_LABEL = f"{LABEL}.project"
# The folder of the project that Compose was started for.
FOLDER_LABEL = f"{LABEL}.project.working_dir"


@dataclass(frozen=True)
class EphemeralStack:
    """What the engine has of an ephemeral stack: the numbers of containers and of volumes.

    `in_use` is whether a run still holds its lock.
    """

    project: str
    containers: int
    volumes: int
    in_use: bool

    def sentence(self) -> str:
        """Return a sentence for `status`."""
        if self.in_use:
            return f"A run of drills uses the ephemeral stack {self}."
        return f"A killed run has left the ephemeral stack {self}: `alertdrill down` removes it."

    def __str__(self) -> str:
        """Return a text such as `alertdrill-ephemeral (22 containers, 15 volumes)`."""
        containers = f"{self.containers} container{'' if self.containers == 1 else 's'}"
        volumes = f"{self.volumes} volume{'' if self.volumes == 1 else 's'}"
        return f"{self.project} ({containers}, {volumes})"


def find(engine: EngineClient, settings: StackSettings) -> Sequence[EphemeralStack]:
    """Return the ephemeral stacks of this checkout, and of the project of `settings`.

    Projects belong to the engine, so another checkout has its own only under another name. A
    volume does not have the label of the folder: it belongs to the project of its containers.
    """
    own = settings.project + EPHEMERAL_SUFFIX
    containers = Counter(
        labels[PROJECT_LABEL]
        for labels in _labels(engine, "/containers/json", all=1)
        if labels[PROJECT_LABEL] == own
        or (
            labels[PROJECT_LABEL].endswith(EPHEMERAL_SUFFIX)
            and labels.get(FOLDER_LABEL) == str(ROOT)
        )
    )
    volumes = Counter(labels[PROJECT_LABEL] for labels in _labels(engine, "/volumes"))
    projects = {own} & {*volumes} | {*containers}
    return [
        EphemeralStack(name, containers[name], volumes[name], _in_use(settings, name))
        for name in sorted(projects)
    ]


def _labels(engine: EngineClient, path: str, **query: object) -> Iterator[dict[str, str]]:
    """Yield the labels of each container, or of each volume, of any Compose project."""
    filters = json.dumps({"label": [PROJECT_LABEL]})
    answer: Any = engine.get(path, {**query, "filters": filters})
    rows = answer["Volumes"] or () if isinstance(answer, dict) else answer
    for row in rows:
        yield row["Labels"]


def _in_use(settings: StackSettings, project: str) -> bool:
    try:
        with project_lock(replace(settings, project=project)):
            return False
    except LockedError:
        return True
