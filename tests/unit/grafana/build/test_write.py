from __future__ import annotations

from pathlib import Path

from grafana.build.dashboards import ALL
from grafana.build.write import outdated, rendered, to_json, write


def test_text_is_the_same_again() -> None:
    make = ALL["overview"]
    assert to_json(make()) == to_json(make())
    assert to_json(make()).endswith("}\n")


def test_every_dashboard_has_a_file() -> None:
    assert set(rendered()) == {f"{uid}.json" for uid in ALL}


def test_written_files_are_up_to_date(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(rendered())
    assert outdated(tmp_path) == []
    assert write(tmp_path) == []


def test_outdated_files_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "slo.json").write_text("{}\n")
    (tmp_path / "host.json").unlink()
    (tmp_path / "old.json").write_text("{}\n")
    assert outdated(tmp_path) == ["host.json", "old.json", "slo.json"]


def test_surplus_files_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}\n")
    write(tmp_path)
    assert not (tmp_path / "old.json").exists()
