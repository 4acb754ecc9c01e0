import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills.backfill import GAP_S, sample_points, write_openmetrics
from alertdrill.drills.model import DrillError, SyntheticSeries
from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS

NOW = 1_700_000_000.0
FLAT = SyntheticSeries(
    series='a:b{c="d"}', duration=120.0, step=60.0, start_value=20.0, end_value=20.0
)


class FakePrometheus:
    """A Prometheus with two series, one of which has labels that need escapes."""

    samples: Sequence[dict[str, Any]] = [
        {"metric": {"__name__": "up", "job": "a"}, "value": [0, "4"]},
        {"metric": {"__name__": "up", "job": 'b"\\\n'}, "value": [0, "8"]},
    ]

    def query(self, promql: str) -> Sequence[dict[str, Any]]:
        return self.samples if promql == "up" else []


@pytest.fixture(scope="module")
def promtool() -> Path:
    wanted = [program for program in PROGRAMS if program.name == "promtool"]
    return resolve_programs(wanted, default_cache(), print).programs["promtool"].path


def written(folder: Path, *series: SyntheticSeries, speed: float = 1.0) -> Path:
    file = folder / "backfill.om"
    write_openmetrics(file, series, FakePrometheus(), NOW, speed)  # type: ignore[arg-type]
    return file


def imported(promtool: Path, file: Path) -> Callable[[str], list[str]]:
    """Create blocks with promtool; return a function that dumps the series of a selector."""
    folder = file.parent / "blocks"
    command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", file]
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "wal").mkdir()  # the dump wants the folder of a server

    def dump(match: str) -> list[str]:
        command = [str(promtool), "tsdb", "dump", f"--match={match}", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return dump


def test_series_ends_just_before_now() -> None:
    assert list(sample_points(FLAT, NOW, 1)) == [
        (NOW - GAP_S - 120, 20.0),
        (NOW - GAP_S - 60, 20.0),
        (NOW - GAP_S, 20.0),
    ]


def test_values_go_from_start_to_end() -> None:
    series = SyntheticSeries(series="a", duration=4.0, step=1.0, start_value=10.0, end_value=2.0)
    assert [value for _, value in sample_points(series, NOW, 1)] == [10, 8, 6, 4, 2]


def test_speed_divides_all_durations() -> None:
    series = SyntheticSeries(
        series="a", duration=120.0, step=60.0, start_value=1.0, end_value=1.0, offset=24.0
    )
    end = NOW - GAP_S - 2
    assert [at for at, _ in sample_points(series, NOW, 12)] == pytest.approx(
        [end - 10, end - 5, end]
    )


def test_text_is_open_metrics(tmp_path: Path) -> None:
    lines = written(tmp_path, FLAT).read_text().splitlines()
    assert lines[0] == "# TYPE a:b gauge"
    assert lines[1] == 'a:b{c="d"} 20.0 1699999879.500'
    assert lines[-1] == "# EOF"


def test_metric_family_is_written_once(tmp_path: Path) -> None:
    other = SyntheticSeries(
        series='a:b{c="e"}', duration=60.0, step=60.0, start_value=1.0, end_value=1.0
    )
    assert written(tmp_path, FLAT, other).read_text().count("# TYPE") == 1


def test_relative_series_multiplies_the_current_value(tmp_path: Path) -> None:
    series = SyntheticSeries(
        series="up", duration=60.0, step=60.0, start_value=0.5, end_value=1.0, relative=True
    )
    text = written(tmp_path, series).read_text()
    assert 'up{job="a"} 2.0 1699999939.500' in text
    assert 'up{job="a"} 4.0 1699999999.500' in text
    assert r'up{job="b\"\\\n"} 8.0 1699999999.500' in text


def test_relative_series_needs_a_current_value(tmp_path: Path) -> None:
    series = SyntheticSeries(
        series="gone", duration=60.0, step=60.0, start_value=1.0, end_value=1.0, relative=True
    )
    with pytest.raises(
        DrillError, match=r"^gone matches no series, so the backfill has no values\.$"
    ):
        written(tmp_path, series)


def test_promtool_accepts_the_file(promtool: Path, tmp_path: Path) -> None:
    relative = SyntheticSeries(
        series="up", duration=60.0, step=30.0, start_value=1e-9, end_value=1e18, relative=True
    )
    long = SyntheticSeries(
        series="b_total", duration=86_400.0, step=3600.0, start_value=0.0, end_value=7.0
    )
    file = written(tmp_path, FLAT, relative, long)
    dumped = imported(promtool, file)
    assert dumped('{__name__="a:b"}') == [
        '{__name__="a:b", c="d"} 20 1699999879500',
        '{__name__="a:b", c="d"} 20 1699999939500',
        '{__name__="a:b", c="d"} 20 1699999999500',
    ]
    assert len(dumped('{__name__="up"}')) == 2 * 3
    assert len(dumped('{__name__="b_total"}')) == 24 + 1


def test_parts_of_one_series_join(promtool: Path, tmp_path: Path) -> None:
    earlier = SyntheticSeries(
        series='a:b{c="d"}', duration=120.0, step=60.0, start_value=5.0, end_value=5.0, offset=180.0
    )
    file = written(tmp_path, earlier, FLAT, speed=12)
    values = [row.split()[-2] for row in imported(promtool, file)('{__name__="a:b"}')]
    assert values == ["5", "5", "5", "20", "20", "20"]


def test_relative_series_needs_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakePrometheus, "samples", [{"metric": {}, "value": [0, "4"]}])
    series = SyntheticSeries(
        series="up", duration=60.0, step=60.0, start_value=1.0, end_value=1.0, relative=True
    )
    with pytest.raises(DrillError):
        written(tmp_path, series)
