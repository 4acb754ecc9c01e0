import json
from pathlib import Path

import pytest

from grafana.query_check.__main__ import main
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import document, panel, target


def run(url: str, folder: Path, expr: str, *more: str) -> int:
    written = document(panel("One", target(expr)))
    (folder / "sample.json").write_text(json.dumps(written))
    empty = str(folder / "expected_empty.yml")
    return main(["--prometheus", url, "--dashboards", str(folder), "--empty", empty, *more])


def test_fine_dashboard_ends_with_0(
    prometheus: FakePrometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(prometheus.url, tmp_path, "up") == 0
    assert "No query is unexpectedly empty." in capsys.readouterr().out


def test_empty_panel_ends_with_1(
    prometheus: FakePrometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(prometheus.url, tmp_path, 'up{service="$service"}', "--set", "service=x") == 1
    assert "FAILED sample / One [A]" in capsys.readouterr().out


def test_missing_stack_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:9", tmp_path, "up") == 2
    assert capsys.readouterr().err == "http://127.0.0.1:9 does not answer: is the stack up?\n"


def test_value_needs_a_name(prometheus: FakePrometheus, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(prometheus.url, tmp_path, "up", "--set", "x")
