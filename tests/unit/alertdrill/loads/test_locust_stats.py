import json
from typing import Any

import pytest

from alertdrill.loads.errors import LoadError
from alertdrill.loads.locust_stats import RequestStats, parse_stats, percentile


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "name": name,
        "num_requests": 20,
        "num_failures": 0,
        "response_times": {"10": 19, "250": 1},
        "num_reqs_per_sec": {"100": 12, "101": 8},
        "num_fail_per_sec": {},
        **fields,
    }


def test_total_adds_up_all_entries() -> None:
    other = entry("/b", num_failures=2, response_times={"300": 20}, num_fail_per_sec={"101": 2})
    stats = parse_stats(json.dumps([entry("/a"), other]))
    assert stats.total == RequestStats(40, 2, 0.3)
    assert stats.requests["POST", "/a"] == RequestStats(20, 0, 0.01)
    assert stats.rate == {100: 24, 101: 16}
    assert stats.failures == {101: 2}


def test_stats_are_those_of_the_master_process() -> None:
    text = json.dumps([]) + "\n" + json.dumps([entry("/a")]) + json.dumps([], indent=1)
    assert parse_stats(text).total.requests == 20


def test_no_requests_have_no_error_ratio() -> None:
    assert parse_stats("[]").total == RequestStats(0, 0, None)
    assert RequestStats(0, 0, None).errors == 0


@pytest.mark.parametrize("text", ["", "x", "{}x", '{"a": 1}', "[1]", '[{"name": "/"}]'])
def test_output_without_statistics_is_refused(text: str) -> None:
    with pytest.raises(LoadError, match="Locust printed no statistics"):
        parse_stats(text)


@pytest.mark.parametrize(
    ("times", "expected"),
    [({}, None), ({1: 1}, 1), ({1: 95, 2: 5}, 1), ({1: 94, 2: 6}, 2), ({3: 1, 1: 1}, 3)],
)
def test_percentile_is_the_nearest_rank(times: dict[float, int], expected: float | None) -> None:
    assert percentile(times, 0.95) == expected
