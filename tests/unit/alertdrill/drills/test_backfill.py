import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills.backfill import GAP_S, write_openmetrics
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


def make_series(name: str, start: float, end: float, **changed: Any) -> SyntheticSeries:
    values = {"duration": 60.0, "step": 60.0, **changed}
    return SyntheticSeries(series=name, start_value=start, end_value=end, **values)


def test_text_is_open_metrics_that_ends_just_before_now(tmp_path: Path) -> None:
    assert written(tmp_path, FLAT).read_text().splitlines() == [
        "# TYPE a:b gauge",
        'a:b{c="d"} 20.0 1699999879.500',
        'a:b{c="d"} 20.0 1699999939.500',
        'a:b{c="d"} 20.0 1699999999.500',
        "# EOF",
    ]


def test_values_go_from_start_to_end(tmp_path: Path) -> None:
    series = make_series("a", 10, 2, duration=4.0, step=1.0)
    samples = written(tmp_path, series).read_text().splitlines()[1:-1]
    assert [float(sample.split()[1]) for sample in samples] == [10, 8, 6, 4, 2]


def test_speed_divides_all_durations(tmp_path: Path) -> None:
    series = make_series("a", 1, 1, duration=120.0, offset=24.0)
    samples = written(tmp_path, series, speed=12).read_text().splitlines()[1:-1]
    end = NOW - GAP_S - 2
    assert [float(sample.split()[2]) for sample in samples] == [end - 10, end - 5, end]


def test_metric_family_is_written_once(tmp_path: Path) -> None:
    other = make_series('a:b{c="e"}', 1, 1)
    assert written(tmp_path, FLAT, other).read_text().count("# TYPE") == 1


def test_relative_series_multiplies_the_current_value(tmp_path: Path) -> None:
    series = make_series("up", 0.5, 1, relative=True)
    text = written(tmp_path, series).read_text()
    assert 'up{job="a"} 2.0 1699999939.500' in text
    assert 'up{job="a"} 4.0 1699999999.500' in text
    assert r'up{job="b\"\\\n"} 8.0 1699999999.500' in text


def test_relative_series_needs_a_current_value_and_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = r"^gone matches no series, so the backfill has no values\.$"
    with pytest.raises(DrillError, match=gone):
        written(tmp_path, make_series("gone", 1, 1, relative=True))
    monkeypatch.setattr(FakePrometheus, "samples", [{"metric": {}, "value": [0, "4"]}])
    with pytest.raises(DrillError, match=r"^up returns series without a name: use a selector"):
        written(tmp_path, make_series("up", 1, 1, relative=True))


def test_promtool_accepts_the_file(promtool: Path, tmp_path: Path) -> None:
    relative = make_series("up", 1e-9, 1e18, step=30.0, relative=True)
    long = make_series("b_total", 0, 7, duration=86_400.0, step=3600.0)
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
    earlier = make_series('a:b{c="d"}', 5, 5, duration=120.0, offset=180.0)
    file = written(tmp_path, earlier, FLAT, speed=12)
    values = [row.split()[-2] for row in imported(promtool, file)('{__name__="a:b"}')]
    assert values == ["5", "5", "5", "20", "20", "20"]
