from __future__ import annotations

from pathlib import Path

import pytest

from grafana.build.__main__ import main, outdated, write
from grafana.build.dashboards import ALL
from grafana.build.rules import BuildError


def test_build_writes_each_dashboard_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 0
    assert "8 dashboards, 8 changed: drills.json" in capsys.readouterr().out
    assert {file.stem for file in tmp_path.glob("*.json")} == {spec.uid for spec in ALL}
    assert main([], tmp_path) == 0
    assert "none changed" in capsys.readouterr().out


def test_check_names_what_differs_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "slo.json").write_text("{}")
    (tmp_path / "host.json").unlink()
    (tmp_path / "old.json").write_text("{}\n")
    assert main(["--check"], tmp_path) == 1
    assert "host.json, old.json, slo.json: outdated" in capsys.readouterr().err
    assert (tmp_path / "slo.json").read_text() == "{}"


def test_build_deletes_surplus_files(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}\n")
    write(tmp_path)
    assert not (tmp_path / "old.json").exists()
    assert outdated(tmp_path) == []


def test_build_error_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> list[str]:
        raise BuildError("There is no alert X.")

    monkeypatch.setattr("grafana.build.__main__.write", fail)
    assert main([], tmp_path) == 1
    assert capsys.readouterr().err == "There is no alert X.\n"
