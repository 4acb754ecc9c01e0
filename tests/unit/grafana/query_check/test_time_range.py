import pytest

from grafana.query_check.errors import QueryCheckError
from grafana.query_check.time_range import TimeRange, time_range

NOW = 1_700_000_000_000


def test_range_is_relative_to_now() -> None:
    assert time_range("now-1h", "now", NOW) == TimeRange(NOW - 3_600_000, NOW)
    assert time_range("now-2h", "now-1h", NOW).width == 3_600_000


def test_ends_are_whole_steps() -> None:
    assert TimeRange(1003, 2007).aligned(100) == TimeRange(1000, 2000)


@pytest.mark.parametrize(("start", "end"), [("yesterday", "now"), ("now", "now-1h")])
def test_empty_range_is_rejected(start: str, end: str) -> None:
    with pytest.raises(QueryCheckError):
        time_range(start, end, NOW)
