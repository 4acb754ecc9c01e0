import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alertdrill.config import ROOT


@pytest.mark.parametrize("command", ["status", "check"])
def test_invalid_service_list_prints_one_error(tmp_path: Path, command: str) -> None:
    shutil.copytree(ROOT / "alertdrill", tmp_path / "alertdrill")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/services.yml").write_text("web: {port: 1}\n")
    result = subprocess.run(
        [sys.executable, "-m", "alertdrill", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert (
        result.stderr
        == "✗ apps/services.yml:1: port is '1': it should be greater than or equal to 5000.\n"
    )
