"""Each sabotage of tests/e2e/test_sabotage.py still finds the line that it breaks.

The drills with a sabotage take minutes and run in `make verify`; this is noticed at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_sabotage import PARTS, SABOTAGES, Copy


@pytest.mark.parametrize("sabotage", [sabotage for sabotage, _ in SABOTAGES])
def test_sabotage_changes_the_copy(
    sabotage: Callable[[Copy], None], tmp_path: Path, root: Path
) -> None:
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / part, tmp_path / part, ignore=ignored)
    sabotage(Copy(tmp_path, tmp_path / "home"))
