from __future__ import annotations

from pathlib import Path

import pytest

from grafana.build import __main__ as command
from grafana.build.errors import BuildError
from grafana.build.write import outdated, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "write", lambda: write(tmp_path))
    monkeypatch.setattr(command, "outdated", lambda: outdated(tmp_path))
    return tmp_path


def test_build_prints_changed_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    assert "8 dashboards, 8 changed: drills.json" in capsys.readouterr().out
    assert command.main([]) == 0
    assert "none changed" in capsys.readouterr().out


def test_check_prints_outdated_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main([])
    assert command.main(["--check"]) == 0
    (folder / "slo.json").write_text("{}")
    assert command.main(["--check"]) == 1
    assert "slo.json: outdated" in capsys.readouterr().err
    assert (folder / "slo.json").read_text() == "{}"


def test_build_error_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> list[str]:
        raise BuildError("There is no alert X.")

    monkeypatch.setattr(command, "write", fail)
    assert command.main([]) == 1
    assert capsys.readouterr().err == "There is no alert X.\n"
