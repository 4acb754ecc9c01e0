import json
from pathlib import Path

import pytest

from grafana.preview.__main__ import main, parser
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import document, panel, target


def run(url: str, folder: Path, *more: str) -> int:
    (folder / "sample.json").write_text(json.dumps(document(panel("One", target("up")))))
    places = ["--dashboards", str(folder), "--out", str(folder / "out")]
    return main(["--prometheus", url, "--loki", "http://127.0.0.1:9", *places, *more])


def test_each_dashboard_has_its_picture(
    prometheus: FakePrometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(prometheus.url, tmp_path) == 0
    assert (tmp_path / "out/sample.png").exists()
    assert "sample.png" in capsys.readouterr().out


def test_picture_may_show_an_earlier_time(prometheus: FakePrometheus, tmp_path: Path) -> None:
    assert run(prometheus.url, tmp_path, "--until", "2026-01-31T10:30:00Z", "--last", "15m") == 0
    panel_query = [question for question in prometheus.queries if "end" in question]
    assert {float(question["end"]) for question in panel_query} == {1769855400.0}


def test_bad_time_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--until", "yesterday"])
    assert "'yesterday' is not a time such as" in capsys.readouterr().err


def test_missing_stack_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:9", tmp_path) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("no Prometheus at http://127.0.0.1:9: start the stack")


def test_empty_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dashboards", str(tmp_path)]) == 2
    assert "has no dashboards" in capsys.readouterr().err


def test_addresses_are_the_documented_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_PORT", raising=False)
    monkeypatch.setenv("LOKI_PORT", "3200")
    options = parser().parse_args([])
    assert (options.prometheus, options.loki) == ("http://127.0.0.1:9090", "http://127.0.0.1:3200")
