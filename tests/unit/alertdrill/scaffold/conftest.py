"""A copy of what `alertdrill new` reads and writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alertdrill.config import ROOT

COPIED = (
    *("apps/services.yml", "loadtests/profiles.yml", "docker-compose.yml", "deploy/compose"),
    *("prometheus/rules", "loki/rules", "alerting/policy.yml", "alerting/alertmanager.yml"),
    *("alerting/runbooks", "drills", "tests/rules/HighLatency.yml"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for name in COPIED:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy)
        else:
            shutil.copy(ROOT / name, copy)
    return folder
