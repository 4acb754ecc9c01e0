import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alertdrill.settings import ROOT


@pytest.mark.parametrize("command", ["status", "check"])
def test_broken_declaration_is_one_sentence(tmp_path: Path, command: str) -> None:
    shutil.copytree(ROOT / "alertdrill", tmp_path / "alertdrill")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/services.yml").write_text("web: {port: 1}\n")
    done = subprocess.run(
        [sys.executable, "-m", "alertdrill", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "✗ apps/services.yml:1: port is '1': it takes 5000 to 5009.\n"
